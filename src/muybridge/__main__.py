"""``python -m muybridge``."""

import sys

from muybridge.cli import main

sys.exit(main())
