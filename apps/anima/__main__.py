"""``python -m apps.anima``."""

import sys

from apps.anima.main import main

sys.exit(main())
