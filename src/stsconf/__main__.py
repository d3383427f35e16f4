"""``python -m stsconf``: the command line."""

import sys

from stsconf.cli.main import main

sys.exit(main())
