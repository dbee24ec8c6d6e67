"""Servers and pools of workers, as people run them.

The application of `app` has made its calls at import, so that kept connections, cached tokens, an
event stream and a watch of events exist before the fork. Then callers use all workers at the same
time, and each response must be of its own request.

The sites, one for each framework, are used by what depends on the server: the identity out of
headers, requests that arrive at the same time, and webhooks that several processes receive.
"""

#: The providers that the application uses.
SLUGS = ("gmail", "openai", "slack", "anthropic")
#: The number of requests that arrive at the same time.
CROWD = 20
