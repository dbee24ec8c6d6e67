"""Execute a notebook in a kernel of Jupyter, and print what its last cell returns."""

from __future__ import annotations

import ast
import json
import sys

import nbformat
from nbclient import NotebookClient

CELLS = [
    "import jobs, vendo, vendo.aio, scheduled",
    "jobs.lookup()",
    "await scheduled.lookup_async()",
    """
try:
    jobs.fail()
except vendo.NotConnected as error:
    failed = error
[failed.slug, jobs.lookup(), await scheduled.lookup_async()]
""",
]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
shown = [ast.literal_eval(cell.outputs[0].data["text/plain"]) for cell in notebook.cells[1:]]
sys.stdout.write(json.dumps(shown))
