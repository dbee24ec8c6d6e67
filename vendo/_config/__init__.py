"""Settings: the environment, files of secrets, API keys, slugs with their variables, addresses.

It is handed what callers pass to a client, and reads `os.environ` and the files that it names.
Every room above it calls it; a malformed value ends here, in one error that names where it came
from.
"""
