"""Send tasks to a worker of Celery, and print their results."""

from __future__ import annotations

import json
import sys

import vendo
from celery_app import fail, lookup

results = [lookup.delay() for _ in range(6)]
failure = fail.delay()
found = [result.get(timeout=60, interval=0.05) for result in results]
try:
    failure.get(timeout=60, interval=0.05)
except vendo.NotConnected as error:
    report = {"found": found, "args": error.args, "code": error.code, "slug": error.slug}
    sys.stdout.write(json.dumps(report))
