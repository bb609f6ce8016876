"""``manage.py shadow``: what the model in shadow has shown so far; put another there, or take it out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import queries, services, shadow_comparison
from recommender.models import TrainingRun
from recommender.shadow_comparison import Comparison, Hits, Share

Z = 1.96


class Command(BaseCommand):
    help = "Show how the lists of the model in shadow differ from what serves; put a run there, or take it out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--put", type=int, metavar="RUN", help="score this run beside what serves")
        which.add_argument("--out", action="store_true", help="score none; the lists so far stay")
        which.add_argument("--of", type=int, metavar="RUN", help="what this run has shown, though no more in shadow")

    def handle(self, *args: Any, put: int | None, out: bool, of: int | None, **options: Any) -> None:
        if put is not None:
            self._set(_run(put))
        elif out:
            self._set(None)
        else:
            now = queries.in_shadow()
            run = _run(of) if of is not None else now.run if now else None
            if run is None:
                self.stdout.write("Nothing is in shadow.")
            else:
                self._tell(shadow_comparison.compare(run))

    def _set(self, run: TrainingRun | None) -> None:
        try:
            services.shadow(run=run)
        except services.CannotShadow as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"In shadow: {run}." if run else "Nothing is in shadow any more.")

    def _tell(self, found: Comparison) -> None:
        if found.overlap is None:
            self.stdout.write(f"Run {found.run}: no list was scored yet.")
            return
        self.stdout.write(
            f"Run {found.run} beside run {found.serving_run}: {found.lists:,} lists of {found.shoppers:,} shoppers."
        )
        self.stdout.write(f"Of ten products {_shown(found.overlap)} are in both lists.")
        if found.moved is not None:
            self.stdout.write(f"Those in both move by {found.moved.value:.1f} places on average.")
        hours = found.window.total_seconds() / 3600
        for hits in found.hits:
            self.stdout.write(f"Within {hours:g} h, {_words(hits)}")
        for day in found.days:
            said = "; ".join(_words(hits) for hits in day.hits) or "nothing clicked or bought"
            self.stdout.write(f"{day.day}  {day.lists:>6,} lists  {day.overlap.value:>4.0%} in both  {said}")


def _run(number: int) -> TrainingRun:
    run = TrainingRun.objects.filter(pk=number).first()
    if run is None:
        raise CommandError(f"there is no run {number}")
    return run


def _words(hits: Hits) -> str:
    return (
        f"{hits.kind} after {hits.lists:,} lists: serving held {_shown(hits.serving)}, "
        f"shadow {_shown(hits.shadow)}, difference {_shown(hits.difference)}"
    )


def _shown(share: Share) -> str:
    """``61.2% ± 1.4``; without bounds where one shopper made all the lists."""
    bounds = f" ± {Z * share.se:.1%}" if share.se == share.se else ""
    return f"{share.value:.1%}{bounds}"
