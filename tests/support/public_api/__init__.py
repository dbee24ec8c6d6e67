"""The public API as text, one file per package, in `docs/public-api`.

A test compares them with the sources, so that no change of the public API goes unnoticed.
"""
