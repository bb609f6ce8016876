"""``manage.py evaluate``: what a run was measured at, beside the baselines of the same later days."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from recommender import queries
from recommender.models import TrainingRun

COLUMNS = ("ndcg@10", "recall@10", "hit_rate@10")


class Command(BaseCommand):
    help = "Print a run's figures beside its baselines, and write all of them as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", type=int, help="default: the newest that was measured")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write every figure as JSON")

    def handle(self, *args: Any, run: int | None, out: Path | None, **options: Any) -> None:
        measured = queries.runs().exclude(metrics={})
        row = measured.filter(pk=run).first() if run else measured.first()
        if row is None:
            raise CommandError(f"expected a measured run, found none{f' with number {run}' if run else ''}")
        if out:
            out.write_bytes(orjson.dumps(row.metrics, option=orjson.OPT_INDENT_2))
        self.stdout.write(f"{row}, {row.architecture}: {row.metrics['window']['shoppers']:,} shoppers on later days")
        for side in ("ALL", "NEW"):
            self._table(row, side)

    def _table(self, row: TrainingRun, side: str) -> None:
        self.stdout.write(f"\n{side:<20}{''.join(f'{name:>14}' for name in COLUMNS)}{'se':>10}")
        models = row.metrics["models"].items()
        for name, sides in sorted(models, key=lambda pair: -(pair[1][side].get(COLUMNS[0]) or 0)):
            figures = "".join(f"{sides[side].get(column) or 0:>14.4f}" for column in COLUMNS)
            mark = "*" if name == row.architecture else " "
            self.stdout.write(f"{mark}{name:<19}{figures}{sides[side].get('se') or 0:>10.4f}")
