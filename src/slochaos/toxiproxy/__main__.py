"""`python -m slochaos.toxiproxy`."""

import sys

from slochaos.toxiproxy.command import main

sys.exit(main(sys.argv[1:]))
