"""A long run of everything at once against a backend that fails in every way it can.

`python -m soak --seconds 600 --seed 7` in the folder `tests`; a short form is among the tests.
"""
