"""The page docs/deployment.md: its blocks, with a small application for each framework."""
