"""`python -m vendo`: the command line."""

import os
import sys

if __name__ == "__main__":
    # Python looks there first, and an `argparse.py` or `dotenv.py` would have the API key. `os` and
    # `sys` are part of the interpreter. With `-P` the entry is not Python's but the user's.
    try:
        _folder = os.getcwd()  # noqa: PTH109  # the only import
    except OSError:
        _folder = ""  # it was deleted
    if not sys.flags.safe_path and sys.path[:1] == [_folder]:
        del sys.path[0]

    from vendo._cli.main import main

    sys.exit(main())
