"""`LocalVendo`: the wire contract's paths, and what a test can do to the server.

It puts the other rooms of the local server together; all of them may be imported, `_mocks` may not.
Users reach it as `vendo.testing.LocalVendo`.
"""
