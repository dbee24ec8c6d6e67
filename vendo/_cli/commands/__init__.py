"""One module for each command, with the same three names.

`HELP` is its help text, `add_arguments(parser)` defines its options, and `run(options)` does the
work and returns the exit status. `parser` imports a module when its command is on the command line.
"""
