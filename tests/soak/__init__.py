"""A long run of all features together against a backend that fails in every way.

`python -m soak --seconds 600 --seed 7` in the folder `tests`; a short form is among the tests.
"""
