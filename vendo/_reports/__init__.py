"""What `doctor` and `catalog` print, for the command line and for the adapters' own commands.

`backend`, `network`, `packages` and `variables` are the checks of `doctor`: each adds what it finds
to a `report.Report`, and puts no secret into it.
"""
