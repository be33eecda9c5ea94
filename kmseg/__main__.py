"""``python -m kmseg``."""

import sys

from kmseg.cli import main

sys.exit(main())
