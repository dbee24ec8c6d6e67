"""What a caller does next, drawn from a seed of its own."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Generic, TypeVar

from hostile.stamps import SLUGS, USERS
from vendo import AsyncVendo, Vendo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostile.checks import Checks
    from hostile.gate import Gate

_Client = TypeVar("_Client", Vendo, AsyncVendo)
_Call = TypeVar("_Call")


class Draws(Generic[_Client]):
    """A caller with several clients, for several keys."""

    def __init__(self, seed: str, checks: Checks, gate: Gate, roots: Mapping[str, _Client]) -> None:
        self._random = Random(seed)
        self._checks = checks
        self._gate = gate
        self._roots: Mapping[str, _Client] = roots

    def _draw(self, calls: Sequence[tuple[int, str, _Call]]) -> tuple[str, _Call]:
        """Choose a key, a user and one of the calls, which have weights."""
        self._key, root = self._random.choice(list(self._roots.items()))
        self._user, jwt = self._random.choice(list(USERS.items()))
        self._client: _Client = root if jwt is None else root.for_user(jwt)
        _, what, call = self._random.choices(calls, [weight for weight, _, _ in calls])[0]
        return what, call

    def _slug(self) -> str:
        return self._random.choice(SLUGS)
