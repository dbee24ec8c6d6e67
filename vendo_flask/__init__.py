"""Vendo for Flask: an application's client, the client of each request, and the ready views.

    from vendo_flask import FlaskVendo, current_vendo

    FlaskVendo(app)

    @app.get("/mail")
    def mail():
        return current_vendo.session("gmail").get("gmail/v1/users/me/profile").json()

PYTEST_DONT_REWRITE
"""

# A submodule is imported when it is used. The docstring's marker: see the package `vendo`.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo_flask.clients import current_vendo
    from vendo_flask.extension import FlaskVendo
    from vendo_flask.identity import vendo_identity
    from vendo_flask.signals import webhook_received
    from vendo_flask.views import blueprint

__all__ = [
    "FlaskVendo",
    "blueprint",
    "current_vendo",
    "vendo_identity",
    "webhook_received",
]

if not TYPE_CHECKING:  # a type checker would accept every name
    from vendo.web import lazy_names

    __getattr__, __dir__ = lazy_names(
        globals(),
        {
            "FlaskVendo": ".extension",
            "blueprint": ".views",
            "current_vendo": ".clients",
            "vendo_identity": ".identity",
            "webhook_received": ".signals",
        },
    )
