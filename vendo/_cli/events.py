"""`events`: the platform's events, as they come."""

from __future__ import annotations

import vendo
from vendo._cli import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vendo import VendoEvent


def run(options: Namespace) -> int:
    """Print one line an event until Ctrl-C (Vendo mode)."""
    try:
        with vendo.events.subscribe() as events:
            terminal.say("Waiting for events; Ctrl-C ends it.")
            for event in events:
                if options.json:
                    terminal.write_json(_as_dict(event), indent=None)
                else:
                    terminal.write(_line(event))
    except KeyboardInterrupt:
        pass
    return 0


def _as_dict(event: VendoEvent) -> dict[str, object]:
    return {"kind": event.kind, "id": event.id, "at": event.at, "data": dict(event.data)}


def _line(event: VendoEvent) -> str:
    shown = {name: value for name, value in event.data.items() if name not in {"id", "at", "kind"}}
    details = [f"{name}={value}" for name, value in shown.items()]
    return terminal.cleaned("  ".join([event.at or "-", event.kind, *details]))
