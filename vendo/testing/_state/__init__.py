"""What the local server remembers: connections, tokens, money, events, faults, requests.

A reset throws it away and builds it again. Only `_http` and the core may be imported.
`_providers`, `_pages` and `_server` use it.
"""
