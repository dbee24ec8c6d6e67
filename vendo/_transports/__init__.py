"""Connections to the backend, and the drivers that do the I/O of a flow.

There are three transports: blocking, threads for asyncio, and aiohttp. Each is handed a `Request`
and returns a `Response`, and knows no call of Vendo's. The rooms above make and call them.
"""
