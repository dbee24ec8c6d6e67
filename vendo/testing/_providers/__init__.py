"""The fake providers: what runs in place of Gmail, OpenAI and the others.

They accept only current tokens, and return fixed data. `_http`, `_state` and the core may be
imported. Only `_server` calls them.
"""
