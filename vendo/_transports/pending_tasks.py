"""Tasks that a closed event loop has left pending.

asyncio logs "Task was destroyed but it is pending!" for each of them, as an error. It has no public
way to say that a task was closed on purpose, so this module sets a private attribute where there is
one. Without it the message is logged, and nothing else changes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task

_ATTRIBUTE = "_log_destroy_pending"


def forget(task: Task[None]) -> None:
    """Have asyncio log nothing when it destroys a task."""
    if hasattr(task, _ATTRIBUTE):
        setattr(task, _ATTRIBUTE, False)
