"""URLs that cannot be imported."""

raise RuntimeError("canary")
