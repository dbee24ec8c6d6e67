"""Vendo for Django: credentials in `settings.py`, in requests and in templates.

    from vendo_django import token

    OPENAI_API_KEY = token("openai")

PYTEST_DONT_REWRITE
"""

# A settings module imports this package before Django is set up, so nothing here needs an app, and
# a submodule is imported when it is used. The docstring's marker: see the package `vendo`.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo_django.clients import aclient, client
    from vendo_django.credentials import token, tokens
    from vendo_django.identity import vary_on_identity
    from vendo_django.masked import MaskedStr
    from vendo_django.middleware import VendoHttpRequest
    from vendo_django.services import database, email_settings, mailer
    from vendo_django.signals import webhook_received

__all__ = [
    "MaskedStr",
    "VendoHttpRequest",
    "aclient",
    "client",
    "database",
    "email_settings",
    "mailer",
    "token",
    "tokens",
    "vary_on_identity",
    "webhook_received",
]

if not TYPE_CHECKING:  # a type checker would accept every name
    from vendo.web import lazy_names

    __getattr__, __dir__ = lazy_names(
        globals(),
        {
            "MaskedStr": ".masked",
            "VendoHttpRequest": ".middleware",
            "aclient": ".clients",
            "client": ".clients",
            "database": ".services",
            "email_settings": ".services",
            "mailer": ".services",
            "token": ".credentials",
            "tokens": ".credentials",
            "vary_on_identity": ".identity",
            "webhook_received": ".signals",
        },
    )
