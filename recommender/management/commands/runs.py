"""``manage.py runs``: the latest training runs, their verdicts, and which of them serves."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from recommender import queries
from recommender.models import TrainingRun


class Command(BaseCommand):
    help = "List the latest training runs with their verdicts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=int, default=20, help="how many (default 20)")

    def handle(self, *args: Any, last: int, **options: Any) -> None:
        serving = queries.serving()
        for run in queries.runs()[: max(last, 1)]:
            mark = "*" if serving and serving.generation.run_id == run.pk else " "
            self.stdout.write(
                f"{mark} {run.pk:>4}  {run.status:<9}  {run.architecture:<12}  {_when(run)}  {_words(run)}"
            )


def _when(run: TrainingRun) -> str:
    return f"{run.created_at:%Y-%m-%d %H:%M}"


def _words(run: TrainingRun) -> str:
    if run.is_active:
        return f"{run.step or 'waiting'} {run.progress:.0%}"
    return str(run.verdict.get("summary") or run.error.partition("\n")[0])
