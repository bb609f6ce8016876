"""``manage.py up``: one's own shop."""

from __future__ import annotations

import getpass
import os
import sys

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recsite import shop_front
from recsite.dashboard.roles import ADMIN
from recsite.dashboard.shop import read_shop
from recsite.first_start import Terminal


class Command(BaseCommand):
    help = "Run the shop: servers, web, workers. The first time, ask for the first admin (or take ADMIN_PASSWORD)."

    def handle(self, **_: object) -> None:
        terminal = Terminal()
        shop_front.migrate()
        if not User.objects.filter(groups__name=ADMIN, is_active=True).exists():
            _make_first_admin(terminal)
        with shop_front.front(terminal) as shop:
            shop_front.open_doors(shop, terminal)
            terminal.say(f"{read_shop().name} is open. Ctrl-C closes it.")
            shop_front.serve(shop)


def _make_first_admin(terminal: Terminal) -> None:
    name = os.environ.get("ADMIN_USERNAME", "admin")
    password = os.environ.get("ADMIN_PASSWORD") or _ask(terminal, name)
    try:
        validate_password(password, User(username=name))
    except ValidationError as error:
        raise CommandError(f"ADMIN_PASSWORD: {' '.join(error.messages)}") from error
    person = User.objects.create_user(name, password=password, is_staff=True)
    person.groups.add(Group.objects.get(name=ADMIN))
    terminal.say(f"Made the admin {name}.")


def _ask(terminal: Terminal, name: str) -> str:
    if not sys.stdin.isatty():
        raise CommandError(
            "There is no admin yet: set ADMIN_PASSWORD (and ADMIN_USERNAME), or start this in a terminal."
        )
    terminal.say(f"There is no admin yet. Choose a password for “{name}” (10 characters or more).")
    while True:
        first = getpass.getpass("Password: ")
        try:
            validate_password(first, User(username=name))
        except ValidationError as error:
            terminal.say(" ".join(error.messages))
            continue
        if first == getpass.getpass("Again: "):
            return first
        terminal.say("They differ.")
