"""What an application is told of Vendo. What it is not told, the environment says at each use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self

from vendo.errors import ValidationError
from vendo.web import checked_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class VendoSettings:
    """The settings of one application, for `install` or `VendoMiddleware`. Both modes.

    Each may be left out. Their `repr` shows neither the key nor a secret, so that
    `Middleware(VendoMiddleware, settings=settings)` can be printed, and they cannot be pickled.

    Attributes:
        api_key: the app key; `VENDO_API_KEY` by default.
        base_url: the platform API; `VENDO_BASE_URL`, `VENDO_API_URL` or `https://vendo.run` by
            default.
        credentials_url: the credentials worker, where it is not the usual one.
        data_proxy_url: the data proxy, where it is not the usual one.
        timeout: seconds that one call to Vendo may take, with its retries; 30 by default.
        required: slugs that the application cannot do without: with `VendoMiddleware` it does not
            start where one has no credential.
        webhook_secrets: what signs webhooks: one secret, or several while one replaces another;
            `VENDO_WEBHOOK_SECRET` by default.

    Raises:
        ValidationError: `required` is no list of slugs, or `webhook_secrets` is neither a text nor
            a list of texts.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    credentials_url: str | None = None
    data_proxy_url: str | None = None
    timeout: float | None = None
    required: Sequence[str] = ()
    webhook_secrets: str | Sequence[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.required, str):
            raise ValidationError(
                "validation_failed",
                "required= takes several slugs, and was given one text.",
                suggested_fix=f"Write required=[{self.required[:40]!r}].",
            )
        object.__setattr__(self, "required", tuple(map(checked_slug, self._several("required"))))
        if self.webhook_secrets is None or isinstance(self.webhook_secrets, str):
            return
        object.__setattr__(self, "webhook_secrets", self._several("webhook_secrets"))
        wrong = {type(secret).__name__ for secret in self.webhook_secrets} - {"str"}
        if wrong:
            raise ValidationError(
                "validation_failed",
                "webhook_secrets= takes one text or a list of them, and was given a list with a "
                f"value of type {min(wrong)}.",
                suggested_fix="Give the secrets as the dashboard shows them.",
            )

    def _several(self, name: str) -> tuple[Any, ...]:
        kind = type(getattr(self, name))
        if issubclass(kind, Iterable) and not issubclass(kind, bytes | Mapping):
            return tuple(getattr(self, name))
        raise ValidationError(
            "validation_failed",
            f"{name}= takes a list of texts, and was given a value of type {kind.__name__}.",
            suggested_fix=f"Write {name}=[...], or leave it out.",
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise ValidationError(
            "validation_failed",
            "VendoSettings cannot be pickled: the key would be in there.",
            suggested_fix="Make them where they are needed.",
        )

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        self.__reduce__()
