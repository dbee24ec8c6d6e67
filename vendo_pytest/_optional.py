"""requests for annotations, imported when an annotation is read."""

from __future__ import annotations

__all__ = ["requests"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
else:

    class _Missing:
        """A package that is not installed. All its names are `Any`."""

        def __getattr__(self, name: str) -> object:
            from typing import Any

            return Any

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return import_module(name)
        except ImportError:
            return _Missing()
