"""requests for annotations: imported, like `vendo`, when an annotation is read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests as requests  # noqa: PLC0414  # exported
else:

    def __getattr__(name: str) -> object:
        from vendo.web import optional

        return getattr(optional, name)
