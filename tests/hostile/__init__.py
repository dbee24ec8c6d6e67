"""A fuzzer: an HTTP server that breaks the rules, and callers that must never get another's token.

`python -m hostile --seconds 600 --seed 7` in the folder `tests`; a minute of it is among the tests.
"""
