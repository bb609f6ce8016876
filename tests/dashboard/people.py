"""Who looks at the console in tests."""

from __future__ import annotations

from django.apps import apps
from django.contrib.auth.models import Group, User

from recsite.dashboard import roles

PASSWORD = "warm bread at noon"


def make_person(role: str = roles.MERCHANDISER, *, name: str = "") -> User:
    """A person in the group ``role`` ("" for none), who logs in with ``PASSWORD``."""
    person = User.objects.create_user(name or role or "nobody", password=PASSWORD)
    if role:
        if not Group.objects.filter(name=role).exists():  # a test that commits has emptied the tables
            roles.declare_roles(apps)
        person.groups.add(Group.objects.get(name=role))
    return person
