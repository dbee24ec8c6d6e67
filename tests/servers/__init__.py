"""Servers and pools of workers, as people run them, that fork after the application used Vendo.

The application of `app` has made its calls at import, so that kept connections, cached tokens, an
event stream and a watch of events exist before the fork. Then callers use all workers at the same
time, and each response must be of its own request.
"""

#: The providers that the application uses.
SLUGS = ("gmail", "openai", "slack", "anthropic")
