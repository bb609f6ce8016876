"""``manage.py promote RUN``: let the stored lists of a run serve."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import services
from recommender.models import TrainingRun


class Command(BaseCommand):
    help = "Let the newest stored generation of a run serve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int)

    def handle(self, *args: Any, run: int, **options: Any) -> None:
        row = TrainingRun.objects.filter(pk=run).first()
        if row is None:
            raise CommandError(f"there is no run {run}")
        try:
            switch = services.promote(run=row)
        except services.CannotServe as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Serving: {switch.generation} of {row}.")
