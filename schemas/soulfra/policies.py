"""Which rows of ``soulfra`` who sees. post-apply.policies.sql makes exactly these.

In a person's name nothing is seen without saying whose: by ``set_config('soulfra.user_id', ...,
true)`` within the transaction, so that a pooled connection forgets it at its end.
"""

from typing import Final

from schemas.postgres import Policy
from schemas.soulfra.log import UNSHOWN
from schemas.soulfra.roles import OWN, SHARED
from schemas.soulfra.server import APP, OWNER, PERSON, READER

SETTING: Final = "soulfra.user_id"
ME: Final = f"(SELECT nullif(current_setting('{SETTING}', true), '')::uuid)"
WHOSE: Final = {
    "soulfra.users": "id",
    "soulfra.agents": "owner_id",
    "soulfra.credit_entries": "user_id",
    "soulfra.loop_owners": "creator_id",
    "soulfra.pii_tokens": "user_id",
}
"""The column that says whose a row is. Others are everybody's who says who it is: an unsigned loop
carries no creator, and texts are sealed."""
REPORTS: Final = f"type NOT IN ({', '.join(repr(str(each)) for each in UNSHOWN)})"

POLICIES: Final = (
    *(Policy(each, "house", (APP, OWNER), verb="ALL") for each in (*OWN, *SHARED, "log.events")),
    *(Policy(each, "reports", (READER,)) for each in SHARED),
    Policy("log.events", "reports", (READER,), REPORTS),
    *(
        Policy(each, "person", (PERSON,), f"{WHOSE[each]} = {ME}")
        for each in (*OWN, *SHARED)
        if each in WHOSE
    ),
    *(
        Policy(each, "person", (PERSON,), f"{ME} IS NOT NULL")
        for each in (*OWN, *SHARED)
        if each not in WHOSE
    ),
)
