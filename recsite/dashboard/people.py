"""Who works in the console: invited, given a role, let go and taken back. Each call is a transaction with its entry in
the audit log.

One group row is locked first, so that two admins who take each other's role away at once do not both succeed.
"""

from __future__ import annotations

import re

from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from recsite.dashboard import audit
from recsite.dashboard.roles import ADMIN, MERCHANDISER, role_of

ROLES = (MERCHANDISER, ADMIN)
_NAME = re.compile(r"[\w.@+-]{1,150}")


class PersonRefused(ValueError):
    """A change that cannot be made; ``field`` names what was wrong ("" for the whole)."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def admins() -> QuerySet[User]:
    """Who may do everything and can log in."""
    is_admin = Q(groups__name=ADMIN) | Q(is_superuser=True)
    return User.objects.filter(is_admin, is_active=True).distinct()


def invite(*, username: str, role: str, by: User) -> User:
    """A new person without a password; :func:`password_path` is how they choose one."""
    username = username.strip()
    if not _NAME.fullmatch(username):
        raise PersonRefused(
            f"expected 1 to 150 letters, digits, or any of @ . + - _; received “{username}”", "username"
        )
    _check_role(role)
    with transaction.atomic():
        _lock()
        if User.objects.filter(username__iexact=username).exists():
            raise PersonRefused(f"expected a name that nobody has; “{username}” is taken", "username")
        person = User.objects.create_user(username, is_staff=role == ADMIN)
        person.groups.add(Group.objects.get(name=role))
        audit.note(by=by, action="person.invite", subject=username, detail={"role": role})
    return person


def change_role(*, person: User, role: str, by: User) -> None:
    """Give ``person`` one of ``ROLES`` in place of the other; further groups stay."""
    _check_role(role)
    with transaction.atomic():
        _lock()
        before = role_of(person)
        if before == role:
            return
        if role != ADMIN:
            _keep_an_admin(person, by, "make yourself a merchandiser")
        person.groups.remove(*Group.objects.filter(name__in=ROLES))
        person.groups.add(Group.objects.get(name=role))
        person.is_staff, person.is_superuser = role == ADMIN, person.is_superuser and role == ADMIN
        person.save(update_fields=["is_staff", "is_superuser"])
        detail = {"before": before, "after": role}
        audit.note(by=by, action="person.role", subject=person.get_username(), detail=detail)


def deactivate(*, person: User, by: User) -> None:
    """From the next click on, the person is logged out and cannot log in; what they did stays under their name."""
    with transaction.atomic():
        _lock()
        _keep_an_admin(person, by, "deactivate yourself")
        if User.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
            audit.note(by=by, action="person.deactivate", subject=person.get_username())


def reactivate(*, person: User, by: User) -> None:
    """The person may log in again, with the role and password they had."""
    with transaction.atomic():
        if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
            audit.note(by=by, action="person.reactivate", subject=person.get_username())


def password_path(*, person: User, by: User) -> str:
    """The path of a page on which the person sets a password: good once, for ``PASSWORD_RESET_TIMEOUT``.

    Whoever has it can enter as that person; it is shown once and kept nowhere.
    """
    with transaction.atomic():
        audit.note(by=by, action="person.password_link", subject=person.get_username())
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("set-password", args=[uid, default_token_generator.make_token(person)])


def _lock() -> None:
    Group.objects.select_for_update().get(name=ADMIN)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise PersonRefused(f"expected one of {', '.join(ROLES)}; received “{role}”", "role")


def _keep_an_admin(person: User, by: User, what: str) -> None:
    if person.pk == by.pk:
        raise PersonRefused(f"You cannot {what}: another admin can.")
    if not admins().exclude(pk=person.pk).exists():
        raise PersonRefused(f"{person.get_username()} is the last admin: make somebody else one first.")
