"""What `doctor` checks: one module for each kind of check.

Each function adds what it finds to a `report.Report`. They print nothing: `commands.doctor` renders
the report. No check puts a secret into it.
"""
