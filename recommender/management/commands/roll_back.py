"""``manage.py roll_back``: let what served before serve again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import services


class Command(BaseCommand):
    help = "Let the generation that served before serve again."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            switch = services.roll_back()
        except services.CannotServe as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Serving: {switch.generation} of run {switch.generation.run_id}.")
