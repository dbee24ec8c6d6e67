"""Connections to the backend, and the drivers that do the I/O of a flow.

A transport is handed a `Request` and returns a `Response`; a blocking one, one on threads for
asyncio, one on aiohttp. It knows HTTP and nothing of Vendo. The rooms above make and call them.
"""
