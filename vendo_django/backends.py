"""The authentication backend for users whom the platform's proxy names."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Field
from django.http import HttpRequest

from vendo import VendoIdentity

_log = logging.getLogger("vendo_django")

#: How the unusable password of an account begins that belongs to a user of the platform.
_MARK = f"{UNUSABLE_PASSWORD_PREFIX}vendo$"


class VendoIdentityBackend(ModelBackend):
    """Find or create the user of a `VendoIdentity`. Permissions are those of `ModelBackend`.

    It signs a user in to the account that it created for them, and renames that where their name
    has changed. Another account of the same name stays closed to it: see `owns`.

    Subclass it to let in known users only (`create_unknown_user = False`), to name users
    differently (`username_of`), or to give them groups by their role (`configure_user`).

    Attributes:
        create_unknown_user: whether to create a user at the first sign-in; True by default.

    Example:
        ```python
        import django
        from django.conf import settings

        apps = ["django.contrib.auth", "django.contrib.contenttypes"]
        settings.configure(INSTALLED_APPS=apps)
        django.setup()

        from vendo_django.backends import VendoIdentityBackend

        class KnownUsersBackend(VendoIdentityBackend):
            create_unknown_user = False
        ```
    """

    #: Whether to create a user at the first sign-in.
    create_unknown_user = True

    def authenticate(  # type: ignore[override]  # each backend has credentials of its own
        self, request: HttpRequest | None, vendo_identity: VendoIdentity | None = None
    ) -> AbstractBaseUser | None:
        """Return the user of an identity.

        `VendoIdentityMiddleware` calls it, by `auth.authenticate`.

        Args:
            request: the request, or None.
            vendo_identity: the user whom the platform's proxy names, or None.

        Returns:
            The user; None where there is none, they are not active, or the account is not theirs.

        Example:
            ```python
            import django
            from django.conf import settings
            from django.core.management import call_command

            settings.configure(
                DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
                INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
            )
            django.setup()
            call_command("migrate", verbosity=0)

            from vendo import VendoIdentity
            from vendo_django.backends import VendoIdentityBackend

            identity = VendoIdentity("u_1", "ada@example.com", "Ada Lovelace", "t_1", "owner")
            user = VendoIdentityBackend().authenticate(None, identity)
            print(user.username, user.email)  # u_1 ada@example.com
            ```
        """
        if vendo_identity is None:
            return None
        user, created = self._found_or_created(vendo_identity)
        if user is None:
            return None
        if not self.owns(user, vendo_identity):
            _log.warning(
                "A user of the platform was not signed in: VendoIdentityBackend did not create the "
                "account of that name. Rename the account, or override owns()."
            )
            return None
        configured = self.configure_user(request, user, vendo_identity, created=created)
        return configured if self.user_can_authenticate(configured) else None

    def _found_or_created(self, identity: VendoIdentity) -> tuple[Any, bool]:
        """Return the account, or None, and whether it is new."""
        model: Any = get_user_model()
        username, password = self.username_of(identity), _password_of(identity)
        accounts = model._default_manager
        try:
            return accounts.get_by_natural_key(username), False
        except model.DoesNotExist:
            pass
        if username != identity.user_id:  # a name that may change, such as the mail address
            account = accounts.filter(password=password).first()
            if account is not None:
                setattr(account, model.USERNAME_FIELD, username)
                account.save(update_fields=[model.USERNAME_FIELD])
                return account, False
        if not self.create_unknown_user:
            return None, False
        names = {model.USERNAME_FIELD: username}
        account, is_new = accounts.get_or_create(**names, defaults={"password": password})
        return account, is_new

    async def aauthenticate(  # type: ignore[override]  # as above
        self, request: HttpRequest | None, vendo_identity: VendoIdentity | None = None
    ) -> AbstractBaseUser | None:
        """Return the user of an identity, under ASGI. It calls `authenticate` in a thread.

        Args:
            request: the request, or None.
            vendo_identity: the user whom the platform's proxy names, or None.

        Returns:
            As for `authenticate`.

        Example:
            ```python
            import asyncio

            import django
            from django.conf import settings

            apps = ["django.contrib.auth", "django.contrib.contenttypes"]
            settings.configure(INSTALLED_APPS=apps)
            django.setup()

            from vendo_django.backends import VendoIdentityBackend

            print(asyncio.run(VendoIdentityBackend().aauthenticate(None)))  # None: no identity
            ```
        """
        return await sync_to_async(self.authenticate)(request, vendo_identity)

    def owns(self, user: AbstractBaseUser, identity: VendoIdentity) -> bool:
        """Return whether an account is that of a user of the platform.

        It is where this backend created it for them, and its password was not set since. With
        `create_unknown_user = False` it also takes over an account that you made for them, if that
        has no usable password and is not staff.

        Args:
            user: the account that has the name of the identity.
            identity: the user whom the platform's proxy names.

        Returns:
            False where the user may not sign in to the account.

        Example:
            ```python
            import django
            from django.conf import settings

            apps = ["django.contrib.auth", "django.contrib.contenttypes"]
            settings.configure(INSTALLED_APPS=apps)
            django.setup()

            from django.contrib.auth.models import User

            from vendo import VendoIdentity
            from vendo_django.backends import VendoIdentityBackend

            identity = VendoIdentity("u_1", "ada@example.com", "Ada Lovelace", "t_1", "owner")
            print(VendoIdentityBackend().owns(User(username="u_1"), identity))  # False
            ```
        """
        if user.password == _password_of(identity):
            return True
        if self.create_unknown_user or user.has_usable_password() or _is_privileged(user):
            return False
        if user.password.startswith(_MARK):  # it is another user's
            return False
        user.password = _password_of(identity)
        user.save(update_fields=["password"])
        return True

    def username_of(self, identity: VendoIdentity) -> str:
        """Return the name to find the user by. Override it to use another one.

        Args:
            identity: the user whom the platform's proxy names.

        Returns:
            The platform's user id, which never changes; the mail address where that is the user
            model's `USERNAME_FIELD`.

        Example:
            ```python
            import django
            from django.conf import settings

            apps = ["django.contrib.auth", "django.contrib.contenttypes"]
            settings.configure(INSTALLED_APPS=apps)
            django.setup()

            from vendo import VendoIdentity
            from vendo_django.backends import VendoIdentityBackend

            class EmailNamesBackend(VendoIdentityBackend):
                def username_of(self, identity: VendoIdentity) -> str:
                    return identity.email
            ```
        """
        model: Any = get_user_model()
        by_email = model.get_email_field_name() == model.USERNAME_FIELD
        return identity.email if by_email else identity.user_id

    def configure_user(
        self,
        request: HttpRequest | None,  # noqa: ARG002  # for subclasses
        user: AbstractBaseUser,
        identity: VendoIdentity,
        *,
        created: bool,  # noqa: ARG002  # for subclasses
    ) -> AbstractBaseUser:
        """Bring the user up to date with the identity, at each sign-in.

        This one updates the mail address and the name. It grants no permissions. Override it to do
        that.

        Args:
            request: the request, or None.
            user: the account.
            identity: the user whom the platform's proxy names.
            created: whether the account is new.

        Returns:
            The user.

        Example:
            ```python
            import django
            from django.conf import settings

            apps = ["django.contrib.auth", "django.contrib.contenttypes"]
            settings.configure(INSTALLED_APPS=apps)
            django.setup()

            from vendo_django.backends import VendoIdentityBackend

            class OwnersAreStaffBackend(VendoIdentityBackend):
                def configure_user(self, request, user, identity, *, created):
                    user.is_staff = identity.role == "owner"
                    user.save(update_fields=["is_staff"])
                    return super().configure_user(request, user, identity, created=created)
            ```
        """
        first, _, last = identity.name.strip().partition(" ")
        wanted = {
            user.get_email_field_name(): identity.email,
            "first_name": first,
            "last_name": last.strip(),
        }
        changed = {}
        for name, text in wanted.items():
            field = _field(user, name)
            value = text[: field.max_length] if field else text
            if field and getattr(user, name) != value:
                changed[name] = value
        for name, value in changed.items():
            setattr(user, name, value)
        if changed:
            user.save(update_fields=list(changed))
        return user


def _password_of(identity: VendoIdentity) -> str:
    """Return the password of an account, which no one can use: it says whose account it is."""
    digest = sha256(identity.user_id.encode("utf-8", "surrogateescape")).hexdigest()
    return _MARK + digest


def _is_privileged(user: AbstractBaseUser) -> bool:
    return bool(getattr(user, "is_staff", False) or getattr(user, "is_superuser", False))


def _field(user: AbstractBaseUser, name: str) -> Field[Any, Any] | None:
    found = next((field for field in user._meta.get_fields() if field.name == name), None)
    return found if isinstance(found, Field) else None
