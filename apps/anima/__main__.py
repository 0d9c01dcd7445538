"""``python -m apps.anima``."""

import os
import sys

if not os.environ.get("GOVERNANCE_URL", "").startswith("https:"):
    # OpenSSL is 4 MB of resident memory that nothing here uses: pydantic imports secrets, that
    # imports hashlib, and hashlib does without.
    sys.modules["_hashlib"] = None  # type: ignore[assignment]

from apps.anima.main import main

sys.exit(main(sys.argv[1:]))
