"""A pytest plugin: test tokens in place of real ones, and a local server for each test run.

pytest loads `vendo_pytest.plugin` if vendo-sdk is installed. Nothing happens until a fixture, a
marker or an ini option is used. This package has the names for annotations and `pytest.raises`.
Each is imported when it is first used.

PYTEST_DONT_REWRITE
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo_pytest._fixtures import VendoSession, VendoToken, VendoTokens, VendoUsage
    from vendo_pytest._interceptor import GuardError

__all__ = ["GuardError", "VendoSession", "VendoToken", "VendoTokens", "VendoUsage"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "GuardError":
        from vendo_pytest import _interceptor as home
    else:
        from vendo_pytest import _fixtures as home  # type: ignore[no-redef]  # one of two homes
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
