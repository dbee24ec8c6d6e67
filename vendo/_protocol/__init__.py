"""The wire contract without I/O: requests, responses, errors, retries, events, webhooks.

An operation is a generator that yields steps such as `Request` (see `steps`), so that a blocking
and an asyncio driver share it. It is handed checked settings and raw responses; every room above
calls it, and it imports only `errors` of this library.
"""
