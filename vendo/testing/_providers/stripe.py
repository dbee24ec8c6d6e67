"""Stripe: the balance, and the customers."""

from __future__ import annotations

from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers.bodies import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_CUSTOMER = {
    "id": "cus_local",
    "object": "customer",
    "created": 1_777_680_000,
    "email": "customer@example.com",
    "livemode": False,
    "metadata": {},
    "name": "Local",
}


def _balance(_request: Request, _user: str | None, _rest: str) -> Response:
    amount = {"amount": 4200, "currency": "usd", "source_types": {"card": 4200}}
    return json_response(
        {"object": "balance", "available": [amount], "livemode": False, "pending": []}
    )


def _customers(_request: Request, _user: str | None, _rest: str) -> Response:
    return json_response(
        {"object": "list", "url": "/v1/customers", "has_more": False, "data": [_CUSTOMER]}
    )


def _create(request: Request, _user: str | None, _rest: str) -> Response:
    given = fields_of(request)
    return json_response({**_CUSTOMER, **{name: given.get(name) for name in ("email", "name")}})


ROUTES = {
    "GET /v1/balance": _balance,
    "GET /v1/customers": _customers,
    "POST /v1/customers": _create,
}
