"""``manage.py experiments``: what runs and ran on placements, and what came of it; end one with the setup to keep."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import experiments
from recommender.experiment_results import Measure, Results, results_of
from recommender.models import Experiment
from recsite.dashboard.shop import read_shop


class Command(BaseCommand):
    help = "Show every experiment on a placement with what came of it, or end one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--of", metavar="SLUG", help="this one alone")
        parser.add_argument("--json", action="store_true", help="all figures as JSON")
        parser.add_argument("--end", metavar="SLUG", help="everybody gets one setup again, by --keep")
        parser.add_argument("--keep", choices=("a", "b"), help="a: the placement's own, b: the other one")

    def handle(self, *args: Any, of: str | None, json: bool, end: str | None, keep: str | None, **options: Any) -> None:
        if (end is None) != (keep is None):
            raise CommandError("expected --end SLUG with --keep a or b")
        if end is not None and keep is not None:
            self._end(end, keep)
            return
        rows = list(Experiment.objects.filter(slug=of) if of else Experiment.objects.all())
        if of and not rows:
            raise CommandError(_unknown(of))
        window = read_shop().click_window
        came = results_of(rows, window=window)
        found = [(row, came[row.slug]) for row in rows]
        if json:
            self._print_json(found)
        elif not found:
            self.stdout.write("There was no experiment yet; the console's Experiments page starts one.")
        for row, results in () if json else found:
            self._tell(row, results)

    def _end(self, slug: str, keep: str) -> None:
        try:
            ended = experiments.end(slug=slug, keep=keep)
        except Experiment.DoesNotExist:
            raise CommandError(_unknown(slug)) from None
        except experiments.Ended as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"“{ended.title}” has ended: everybody gets setup {keep.upper()} of {ended.placement} now.")

    def _print_json(self, found: list[tuple[Experiment, Results]]) -> None:
        self.stdout.write(json.dumps([_as_dict(row, came) for row, came in found], indent=1))

    def _tell(self, row: Experiment, came: Results) -> None:
        state = f"ended, {row.kept.upper()} kept" if row.kept else "running"
        self.stdout.write(f"{row.slug}  {row.title} – on {row.placement}, {row.share} % get B, {state}")
        self.stdout.write(f"  {came.a.subjects:,} shoppers and visitors in A, {came.b.subjects:,} in B")
        if not came.is_sound:
            self.stdout.write("  Chance does not share them out like that: do not trust what follows.")
        for measure in came.measures:
            self.stdout.write("  " + _words(measure, main=measure is came.main))


def _unknown(slug: str) -> str:
    names = ", ".join(Experiment.objects.values_list("slug", flat=True)) or "there is none yet"
    return f"expected the name of an experiment ({names}); received {slug!r}"


def _words(measure: Measure, *, main: bool) -> str:
    a, b, found = measure.a.value, measure.b.value, measure.difference
    text = f"{'*' if main else ' '} {measure.goal:8} A {_number(a)}  B {_number(b)}"
    if found is None:
        return f"{text}  too few to judge"
    verdict = f"{measure.better.upper()} is better" if measure.better else "open"
    return f"{text}  B − A {found.value:+.4g} ({found.low:+.4g} … {found.high:+.4g}): {verdict}"


def _number(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4g}"


def _as_dict(row: Experiment, came: Results) -> dict[str, Any]:
    return {
        "experiment": row.slug,
        "title": row.title,
        "placement": row.placement,
        "share": row.share,
        "goal": str(row.goal),
        "status": str(row.status),
        "kept": row.kept or None,
        "started_at": row.started_at.isoformat(),
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "before": row.before,
        "setup": row.setup,
        "subjects": {"a": came.a.subjects, "b": came.b.subjects},
        "chance_of_such_shares": came.chance,
        "simulated": came.simulated,
        "measures": {
            measure.goal: {
                "a": measure.a.value,
                "b": measure.b.value,
                "difference": measure.difference and measure.difference.value,
                "interval": measure.difference and [measure.difference.low, measure.difference.high],
                "better": measure.better or None,
            }
            for measure in came.measures
        },
    }
