"""Settings: the environment, API keys, slugs with their variables, addresses, extras.

It is handed what callers pass to a client, and reads `os.environ`. Every room above it calls it; a
malformed value ends here, in one error that names where it came from.
"""
