"""``manage.py runs``: the latest training runs and which of them serves; compare two, or delete a model's files."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import comparing, queries, services
from recommender.models import TrainingRun


class Command(BaseCommand):
    help = "List the latest training runs with their verdicts; compare two; delete the model files of one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--last", type=int, default=20, help="how many (default 20)")
        parser.add_argument("--compare", type=int, nargs=2, metavar=("A", "B"), help="figures, settings and lists")
        parser.add_argument("--delete", type=int, metavar="RUN", help="delete its model files; what was measured stays")

    def handle(self, *args: Any, last: int, compare: list[int] | None, delete: int | None, **options: Any) -> None:
        if delete is not None:
            self._delete(_run(delete))
        elif compare is not None:
            self._compare(comparing.compare(_run(compare[0]), _run(compare[1])))
        else:
            self._list(last)

    def _list(self, last: int) -> None:
        serving = queries.serving()
        for run in queries.runs()[: max(last, 1)]:
            mark = "*" if serving and serving.generation.run_id == run.pk else " "
            self.stdout.write(
                f"{mark} {run.pk:>4}  {run.status:<9}  {run.architecture:<12}  {_when(run)}  "
                f"{run.code_version or 'no version':<12}  {_words(run)}"
            )

    def _delete(self, run: TrainingRun) -> None:
        try:
            services.delete_artifacts(run=run)
        except services.CannotDelete as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The model files of {run} are deleted.")

    def _compare(self, found: comparing.Comparison) -> None:
        left, right = found.left, found.right
        self.stdout.write(f"{'':<24}{f'run {left.pk}':>16}{f'run {right.pk}':>16}")
        for line in found.lines:
            self.stdout.write(f"{line.name:<24}{_shown(line.left):>16}{_shown(line.right):>16}")
        if not found.same_days:
            self.stdout.write("They were measured on different later days: compare each with its own baselines.")
        for name, (a, b) in found.settings.items():
            self.stdout.write(f"{name}: {a} → {b}")
        if found.overlap is not None:
            told = found.overlap
            self.stdout.write(
                f"Of {told.shoppers:,} shoppers' lists of ten, {told.share:.0%} of the products are in both; "
                f"{told.same:.0%} of the lists are the same."
            )


def _run(number: int) -> TrainingRun:
    run = TrainingRun.objects.filter(pk=number).first()
    if run is None:
        raise CommandError(f"there is no run {number}")
    return run


def _shown(value: float | str | None) -> str:
    if value is None:
        return "no data"
    return value if isinstance(value, str) else f"{value:.4f}"


def _when(run: TrainingRun) -> str:
    return f"{run.created_at:%Y-%m-%d %H:%M}"


def _words(run: TrainingRun) -> str:
    if run.is_active:
        return f"{run.step or 'waiting'} {run.progress:.0%}"
    verdict: Mapping[str, Any] = run.verdict
    return str(verdict.get("summary") or run.error.partition("\n")[0])
