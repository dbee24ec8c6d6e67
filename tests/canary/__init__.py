"""A run of every public operation against every failure, which searches all that shows for secrets.

`search` finds a secret in errors, logs, objects, pickles and memory. `sessions` and `calls` are
programs that run in a process of their own, which learns the secrets from the library alone.
`failures` are the servers that fail. `test_canary` starts the programs.
"""
