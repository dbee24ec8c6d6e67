"""The HTML pages that a user opens in a browser: the overview and the connect page.

`_http`, `_state` and the core may be imported.
Only `_server` calls them.
"""
