"""HTTP/1.1 on the standard library's `http.server`: sockets, requests, responses, error bodies.

It knows nothing of Vendo's API. Only the standard library and `vendo._transports` may be imported.
Every other room of the local server may import it.
"""
