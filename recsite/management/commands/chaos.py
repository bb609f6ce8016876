"""``manage.py chaos``: break a shop on purpose, and see whether it keeps its promises."""

from __future__ import annotations

import random
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recsite.chaos import drill


class Command(BaseCommand):
    help = (
        "Kill, freeze, empty and fill the parts of a made-up shop in a folder of its own while clients post and ask; "
        "then check that nothing acknowledged is lost. Ends with 1 where a promise is broken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, help="the same order of faults again; default: a new one, printed")
        parser.add_argument("--seconds", type=float, default=120, help="how long things break")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write verdicts and figures there as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        seed = options["seed"] if options["seed"] is not None else random.SystemRandom().randrange(10**6)
        started = time.monotonic()

        def say(line: str) -> None:
            self.stdout.write(f"{time.monotonic() - started:6.1f} s  {line}")
            self.stdout.flush()

        say(f"seed {seed}, in {settings.DATA_DIR}")
        outcome = drill.run(seed=seed, seconds=options["seconds"], say=say)
        for verdict in outcome.verdicts:
            self.stdout.write(f"{'kept  ' if verdict.kept else 'BROKEN'}  {verdict.promise}: {verdict.found}")
        for name, figure in outcome.figures.items():
            self.stdout.write(f"        {name}: {figure}")
        if options["out"]:
            verdicts = [{"promise": v.promise, "kept": v.kept, "found": v.found} for v in outcome.verdicts]
            report = {"seed": seed, "verdicts": verdicts, "figures": outcome.figures}
            options["out"].write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
        if not outcome.kept:
            raise CommandError(f"A promise was broken; `manage.py chaos --seed {seed}` strikes in the same order.")
