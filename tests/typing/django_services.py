"""The slugs of `vendo_django`'s mail helpers are a closed list. Checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

from vendo_django import email_settings, mailer, token, tokens
from vendo_django.mail import EmailBackend

assert_type(mailer("postmark"), dict[str, Any])
assert_type(email_settings("sendgrid"), dict[str, Any])
mailer("resned")  # type: ignore[arg-type]  # misspelt
email_settings("gmail")  # type: ignore[arg-type]  # its server takes no password
token("a credential of the project's own")
tokens("openai", "a credential of the project's own")

assert_type(EmailBackend(password=token("resend")).open(), bool | None)
