"""``python -m apps.anima``."""

import os
import sys

from apps import lean

lean.stand_in()
if not os.environ.get("GOVERNANCE_URL", "").startswith("https:"):
    # OpenSSL is 4 MB of resident memory that nothing here uses: random imports hashlib, and
    # hashlib does without.
    sys.modules["_hashlib"] = None  # type: ignore[assignment]

from apps.anima.main import main  # noqa: E402  after the stand-in

sys.exit(main(sys.argv[1:]))
