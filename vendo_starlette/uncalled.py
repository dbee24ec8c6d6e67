"""An error of FastAPI's where a function that makes a dependency is given to `Depends` itself."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypeVar

from vendo import web

_Factory = TypeVar("_Factory", bound=Callable[..., object])


class CallItInDepends:
    """The type of a parameter that FastAPI finds in a function given to `Depends` without a call.

    It would take the function for the dependency, and let everybody in.
    """

    factory = ""
    call = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> Any:
        raise web.invalid(
            f"{cls.factory} is not a dependency. It makes one when it is called.",
            fix=f"Write Depends({cls.call}).",
        )


def to_be_called(factory: _Factory) -> _Factory:
    """Have FastAPI refuse a function that makes dependencies, and is not one."""
    found, name = signature(factory), factory.__name__
    call = f'{name}("gmail")' if "slug" in found.parameters else f"{name}()"
    fault = type("CallItInDepends", (CallItInDepends,), {"factory": name, "call": call})
    parameter = Parameter("called", Parameter.KEYWORD_ONLY, annotation=fault)
    refused = found.replace(parameters=[*found.parameters.values(), parameter])
    factory.__signature__ = refused  # type: ignore[attr-defined]
    return factory
