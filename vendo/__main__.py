"""`python -m vendo`: the command line."""

import sys

from vendo._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
