"""``python -m muybridge``."""

import sys

from muybridge.cli.main import main

sys.exit(main())
