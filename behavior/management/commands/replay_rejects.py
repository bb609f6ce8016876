"""``manage.py replay_rejects``: try refused events again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from behavior.services import replay_rejects


class Command(BaseCommand):
    help = "Try refused events again, for instance after their type was declared."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", help="only those refused with this code, such as unknown_type")

    def handle(self, *args: Any, **options: Any) -> None:
        replayed = replay_rejects(code=options["code"])
        self.stdout.write(f"{replayed.stored:,} stored, {replayed.still:,} refused again and still waiting")
