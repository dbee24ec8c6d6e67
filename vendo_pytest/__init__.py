"""A pytest plugin: test tokens in place of real ones, and a Vendo of your own for each suite.

pytest loads `vendo_pytest.plugin` by itself where vendo-sdk is installed; nothing happens until a
fixture, a marker or an ini option is used. Here are the names for annotations and for
`pytest.raises`, each fetched when it is first used.

PYTEST_DONT_REWRITE
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo_pytest._fixtures import VendoSession, VendoToken, VendoTokens, VendoUsage
    from vendo_pytest._watch import GuardError

__all__ = ["GuardError", "VendoSession", "VendoToken", "VendoTokens", "VendoUsage"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "GuardError":
        from vendo_pytest import _watch as home
    else:
        from vendo_pytest import _fixtures as home  # type: ignore[no-redef]  # one of two homes
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
