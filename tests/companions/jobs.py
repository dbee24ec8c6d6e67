"""Jobs of the Django site, in a worker of Celery."""

from __future__ import annotations

import os
from typing import Any

import django
from celery import Celery

from vendo import RateLimited, UpstreamError
from vendo_django import client

app = Celery("jobs")
app.config_from_object("django.conf:settings", namespace="CELERY")
django.setup()


@app.task(bind=True, max_retries=3)
def profile(task: Any, slug: str, jwt: str) -> dict[str, Any]:
    """Return what a provider says of a user, and who asked."""
    try:
        with client().for_user(jwt).session(slug) as session:
            found = session.get("gmail/v1/users/me/profile").json()
    except (UpstreamError, RateLimited) as error:
        raise task.retry(exc=error, countdown=error.retry_after or 0) from None
    return {"address": found["emailAddress"], "tries": task.request.retries, "pid": os.getpid()}
