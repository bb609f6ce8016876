"""``manage.py bench``: what this machine does, as a table and as JSON."""

from __future__ import annotations

import platform
import time
from argparse import ArgumentParser
from importlib import import_module
from os import cpu_count
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from recsite.bench import figures

SUBJECTS = {
    "import": ("imports", 10),
    "train": ("training", 300),
    "scale": ("scale", 300),
    "serve": ("serve", 40),
    "events": ("events", 30),
    "freshness": ("freshness", 20),
    "publish": ("publishing", 10),
    "pages": ("pages", 120),
}


class Command(BaseCommand):
    help = "Measure the shop on this machine: each figure with a reference of the same run. Leaves nothing behind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", choices=SUBJECTS)
        parser.add_argument("--seconds", type=float, help="about how long to measure")
        parser.add_argument("--pairs", type=int, metavar="N", help="of freshness: so many, however long")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON there instead of printing it")

    def handle(self, *args: Any, **options: Any) -> None:
        name, usual = SUBJECTS[options["subject"]]
        started = time.time()
        more = {"pairs": options["pairs"]} if options["pairs"] else {}
        if more and options["subject"] != "freshness":
            raise CommandError(f"--pairs: expected with freshness, received with {options['subject']}")
        found = import_module(f"recsite.bench.{name}").run(options["seconds"] or usual, **more)
        self.stdout.write(figures.table(found))
        report = {
            "subject": options["subject"],
            "at": started,
            "machine": {"cores": cpu_count(), "processor": platform.machine(), "python": platform.python_version()},
            "figures": [figure.to_dict() for figure in found],
        }
        if options["out"]:
            options["out"].write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        else:
            self.stdout.write(orjson.dumps(report).decode())
