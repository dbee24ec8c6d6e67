"""Give jobs to RQ, have a worker process them, and print their results."""

from __future__ import annotations

import json
import subprocess
import sys

from redis import Redis
from rq import Queue

import jobs

address = sys.argv[1]
queue = Queue("interop", connection=Redis.from_url(address))
found = queue.enqueue(jobs.lookup)
failed = queue.enqueue(jobs.fail)
worker = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--url", address, "interop"]
subprocess.run(worker, check=True, stdout=sys.stderr)
result, failure = found.latest_result(), failed.latest_result()
sys.stdout.write(json.dumps({"found": result.return_value, "failure": failure.exc_string}))
