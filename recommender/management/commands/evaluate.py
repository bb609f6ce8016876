"""``manage.py evaluate``: what a run was measured at beside the baselines of the same later days, or, with
``--windows``, a rolling-origin cross-validation of its configuration."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recommender import dataset, queries, services
from recommender.engine import architectures
from recommender.engine.config import Config
from recommender.management.commands.train import as_moment
from recommender.models import TrainingRun

COLUMNS = ("ndcg@10", "map@10", "mrr@10", "recall@10", "hit_rate@10")
SIDES = ("ALL", "NEW")


class Command(BaseCommand):
    help = "Print a run's figures beside its baselines, or cross-validate a configuration; write all of it as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", type=int, help="default: the newest that was measured")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write every figure as JSON")
        parser.add_argument(
            "--windows", type=int, metavar="N",
            help="train anew at the start of each of the last N horizons and measure on it (takes N trainings)",
        )  # fmt: skip
        parser.add_argument("--architecture", choices=architectures.NAMES, help="with --windows: instead of a run's")
        parser.add_argument("--horizon", type=float, metavar="DAYS", help="with --windows: length of a window")
        parser.add_argument("--baselines", default="", metavar="A,B", help="with --windows: default all")
        parser.add_argument("--as-of", metavar="T", help="with --windows: where the last one ends; default: the newest")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["windows"] is None:
            self._measured(options["run"], options["out"])
        else:
            self._rolled(options)

    # --- a run's own figures ---

    def _measured(self, number: int | None, out: Path | None) -> None:
        measured = queries.runs().exclude(metrics={})
        row = measured.filter(pk=number).first() if number else measured.first()
        if row is None:
            raise CommandError(f"expected a measured run, found none{f' with number {number}' if number else ''}")
        if out:
            out.write_bytes(orjson.dumps(row.metrics, option=orjson.OPT_INDENT_2))
        self.stdout.write(f"{row}, {row.architecture}: {row.metrics['window']['shoppers']:,} shoppers on later days")
        for side in SIDES:
            self._table(row.metrics["models"], side, row.architecture)

    # --- rolling origin ---

    def _rolled(self, options: dict[str, Any]) -> None:
        if not 1 <= options["windows"] <= 20:
            raise CommandError(f"--windows: expected 1 to 20, received {options['windows']}")
        from recommender.engine.baselines import BASELINES
        from recommender.engine.plan import TooLittleData
        from recommender.engine.rolling import cross_validate

        config = self._config(options["run"], options["architecture"])
        if options["horizon"]:
            config = replace(config, horizon_days=options["horizon"])
        names = [name for name in options["baselines"].split(",") if name] or list(BASELINES)
        if wrong := [name for name in names if name not in BASELINES]:
            raise CommandError(f"--baselines: expected among {', '.join(BASELINES)}; received {wrong[0]!r}")
        snapshot = dataset.read(as_of=as_moment(options["as_of"]), kind_weights=config.kind_weights)
        try:
            rolled = cross_validate(
                snapshot.data,
                config,
                options["windows"],
                baselines=names,
                report=lambda split, told: self._say(told.step),
                folder=Path(settings.MODEL_DIR),
            )
        except TooLittleData as error:
            raise CommandError(f"the first window has too little before it: {error}") from error
        found = rolled.to_dict()
        if out := options["out"]:
            everything = {"config": config.to_dict(), "data": snapshot.window(), **found}
            out.write_bytes(orjson.dumps(everything, option=orjson.OPT_INDENT_2))
        self._show(found, config.architecture)

    def _config(self, number: int | None, name: str | None) -> Config:
        if name:
            return Config(architecture=name)
        row = TrainingRun.objects.filter(pk=number).first() if number else queries.runs().exclude(metrics={}).first()
        if row is None and number:
            raise CommandError(f"there is no run {number}")
        if row is None:
            return Config()
        return Config.from_dict({**services.still_known(row.config), "architecture": row.architecture})

    def _show(self, found: Mapping[str, Any], name: str) -> None:
        for number, window in enumerate(found["windows"], 1):
            figures = "  ".join(
                f"{side} {_figure(window['models'][name][side].get('ndcg@10')).strip()} (best baseline "
                f"{_figure(window['models'][window['best_baseline'][side]][side].get('ndcg@10')).strip()})"
                for side in SIDES
            )
            self.stdout.write(f"window {number}: {window['window']['shoppers']:,} shoppers  {figures}")
        pooled = found["pooled"]
        for side in SIDES:
            self._table(pooled["models"], side, name)
            best = pooled["best_baseline"][side]
            gap = pooled["paired"][name][best][side]
            if gap["mean"] is not None:
                self.stdout.write(f"{name} − {best}: {gap['mean']:+.4f}, standard error {_figure(gap['se']).strip()}")

    def _say(self, step: str) -> None:
        if step != getattr(self, "_step", None):
            self.stdout.write(step)
        self._step = step

    def _table(self, models: Mapping[str, Any], side: str, own: str) -> None:
        self.stdout.write(f"\n{side:<20}{''.join(f'{name:>14}' for name in COLUMNS)}{'se':>10}")
        for name, sides in sorted(models.items(), key=lambda pair: -(pair[1][side].get(COLUMNS[0]) or 0)):
            figures = "".join(_figure(sides[side].get(column)) for column in COLUMNS)
            mark = "*" if name == own else " "
            self.stdout.write(f"{mark}{name:<19}{figures}{_figure(sides[side].get('se'), 10)}")


def _figure(value: float | None, width: int = 14) -> str:
    return f"{'no data' if value is None else f'{value:.4f}':>{width}}"
