"""Names of a package that are imported from their modules when they are first used (PEP 562)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import vendo._types
else:
    import vendo  # `_types` is imported when an annotation is read


def lazy_names(
    package: dict[str, vendo._types.Any], module_of_name: dict[str, str]
) -> tuple[vendo._types.Any, vendo._types.Any]:
    """Make the `__getattr__` and the `__dir__` of a package, which import a name at its first use.

    Args:
        package: its `globals()`.
        module_of_name: the module of each name. One that begins with a dot is in the package.

    Returns:
        The two functions. The first raises `AttributeError` for an unknown name.

    Example:
        ```python
        from vendo.web import lazy_names

        package = {"__name__": "acme_vendo", "__all__": ["dumps"]}
        get, names = lazy_names(package, {"dumps": "json"})
        print(get("dumps")({"lazy": True}), names())
        ```
    """
    own_name: str = package["__name__"]

    def imported(name: str) -> object:
        module = module_of_name.get(name)
        if module is None:
            raise AttributeError(f"module {own_name!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(module, own_name), name)
        package[name] = value  # so that the next look-up is fast
        return value

    return imported, lambda: sorted({*package, *package["__all__"]})
