"""The process of one attempt of a search; started by a worker or by ``manage.py tune``, not by people."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Run one attempt of a queued search for a configuration (started by a worker, not by people)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tuning", type=int)
        parser.add_argument("attempt", type=int)

    def handle(self, *args: Any, tuning: int, attempt: int, **options: Any) -> None:
        os.nice(10)  # answers come first
        from recommender import tuning as search
        from recommender.life import Lost

        try:
            self.stdout.write(f"tuning {tuning}, attempt {attempt}: {search.run_child(tuning, attempt)}")
        except Lost as error:
            raise CommandError(str(error), returncode=3) from error
