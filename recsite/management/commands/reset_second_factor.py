"""``manage.py reset_second_factor NAME``: for the only admin who lost phone and recovery codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from recsite.dashboard import second_factor


class Command(BaseCommand):
    help = "Forget a person's second factor and recovery codes: their password alone logs them in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name that they log in with")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        person = User.objects.filter(username=name).first()
        if person is None:
            raise CommandError(f"expected the name of a person, received {name!r}")
        if not second_factor.turn_off(person=person, by=None):
            raise CommandError(f"{name} has no second factor")
        self.stdout.write(f"The second factor of {name} is reset.")
