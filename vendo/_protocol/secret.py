"""Secrets as values: an API key, a user's JWT, a token in transit, a webhook secret.

Debug pages, error reporters and test runners show the variables of every frame, and programs log
what they hold. A value of these types shows a mask there. It becomes plain text in two places:
where `token()` returns it to the caller, and where a request is written to a connection.

An HTTP library has the written request in variables of its own. The frames of an error there are
cut (`vendo._protocol.tracebacks`), but for those of `auth()` in a session that is not ours.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar, overload

    import vendo._types

    _T = TypeVar("_T")
else:
    import vendo  # `_types` is imported when an annotation is read

MASK = "***"


class Secret(str):
    """Show a mask in place of a text in its `repr`, in `str()`, in formatted text, and in a pickle.

    It compares, hashes, measures and encodes as the text itself; `reveal()` returns that.

    Example:
        ```python
        from vendo.web import Secret

        secret = Secret("whsec_1234")
        print(secret, secret == "whsec_1234")  # *** True
        ```
    """

    __slots__ = ()

    def __new__(cls, text: str = "") -> vendo._types.Self:
        return super().__new__(cls, str.__str__(text))  # plain, also of a secret

    def reveal(self) -> str:
        """Return the plain text.

        Returns:
            A `str` without a mask.

        Example:
            ```python
            from vendo.web import Secret

            print(Secret("whsec_1234").reveal())  # whsec_1234
            ```
        """
        return str.__str__(self)

    def __repr__(self) -> str:
        return repr(MASK)

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __getitem__(self, key: vendo._types.Any) -> Secret:
        # Some reporters shorten a long text before they show it.
        return Secret(super().__getitem__(key))

    def __copy__(self) -> vendo._types.Self:
        return self

    def __deepcopy__(self, _memo: dict[int, vendo._types.Any]) -> vendo._types.Self:
        return self

    def __reduce_ex__(self, _protocol: vendo._types.Any) -> tuple[vendo._types.Any, ...]:
        return str, (MASK,)


if TYPE_CHECKING:

    @overload
    def masked(value: str) -> Secret: ...
    @overload
    def masked(value: str | None) -> Secret | None: ...
    @overload
    def masked(value: _T) -> _T: ...


def masked(value: object) -> object:
    """Return a text as a `Secret`, bytes as `SecretBytes`, and any other value unchanged.

    A public function calls it on an argument that is a secret, before anything else: its own frame
    is part of a traceback too.
    """
    if isinstance(value, str):
        return Secret(value)
    return SecretBytes(value) if isinstance(value, bytes) else value


class WireSecret(Secret):
    """A text for code that writes it with `str()`: a header's value, a request target, or a token.

    aiohttp writes headers that way, and so may a transport or an interceptor of the caller's. Here
    `str()` and formatted text are plain. `repr` and pickles are masked as in `Secret`.
    """

    __slots__ = ("secret",)

    #: The credential in it.
    secret: Secret

    def __new__(cls, text: str, secret: Secret) -> vendo._types.Self:
        value = super().__new__(cls, text)
        value.secret = secret
        return value

    def __str__(self) -> str:
        return self.reveal()

    def __format__(self, spec: str) -> str:
        return format(self.reveal(), spec)

    def __getitem__(self, key: vendo._types.Any) -> WireSecret:
        return WireSecret(super().__getitem__(key), self.secret)

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> SecretBytes:
        """Return the bytes, which httpx keeps in its headers."""
        return SecretBytes(super().encode(encoding, errors))


class SecretBytes(bytes):
    """The same for bytes: a header or a request target, as httpx keeps them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK.encode())

    def __str__(self) -> str:
        return repr(self)

    def __copy__(self) -> vendo._types.Self:
        return self

    def __deepcopy__(self, _memo: dict[int, vendo._types.Any]) -> vendo._types.Self:
        return self

    def __reduce_ex__(self, _protocol: vendo._types.Any) -> tuple[vendo._types.Any, ...]:
        return bytes, (MASK.encode(),)
