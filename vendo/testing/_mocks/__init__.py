"""The mock clients, and the events and rows to give to them.

They subclass the real clients, so `vendo._client` may be imported; the local server may not.
Users reach them as `vendo.testing.MockClient`, `MockAsyncClient`, `MockSSE` and `fake_connection`.
"""
