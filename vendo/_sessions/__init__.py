"""Sessions: where a token may go, how it is placed on a request, and three HTTP libraries.

`hosts`, `policy` and `placement` decide and know no library. `requests_…`, `aiohttp_session` and
`httpx_…` ask them at every hop of a request. A session is handed a slug and a token
source, which is a client. The clients and `vendo.web` call this room.
"""
