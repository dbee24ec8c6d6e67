"""The command line: `python -m vendo COMMAND`.

`commands` has one module a command, `checks` has what `doctor` checks, and `output` alone prints.
Modules here may import every other room. Only `vendo.__main__` calls them, by `main.main`.
"""
