"""The public API as text, a file a package, in `docs/public-api`.

A test compares them with the sources, so that no change of what people rely on goes unseen.
"""
