"""`events`: print the platform's events as they arrive."""

from __future__ import annotations

import vendo
from vendo._cli import arguments, output
from vendo._reports.tables import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from vendo import EventStreamMessage

HELP = """\
Print the platform's events, one on each line, until Ctrl-C. Vendo mode.

examples:
  python -m vendo events
  python -m vendo events --json | jq .type"""


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    arguments.add_json(parser, "print one JSON object on each line")


def run(options: Namespace) -> int:
    """Print one line for each event until Ctrl-C."""
    try:
        with vendo.events.subscribe() as events:
            output.notify("Waiting for events. Press Ctrl-C to stop.")
            for event in events:
                if options.json:
                    output.write_json(_as_dict(event), indent=None)
                else:
                    output.write(_line(event))
    except KeyboardInterrupt:
        pass
    return 0


def _as_dict(event: EventStreamMessage) -> dict[str, object]:
    return {"type": event.type, "id": event.id, "retry": event.retry, "data": event.data}


def _line(event: EventStreamMessage) -> str:
    if not isinstance(event.data, dict):
        return printable(f"-  {event.type}  {event.data}")
    fields = {name: value for name, value in event.data.items() if name not in {"id", "at", "kind"}}
    details = [f"{name}={value}" for name, value in fields.items()]
    return printable("  ".join([str(event.data.get("at", "-")), event.type, *details]))
