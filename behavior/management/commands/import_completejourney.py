"""``manage.py import_completejourney``: the demo's shop."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from behavior.completejourney import prepare
from behavior.imports import import_events, import_shoppers
from catalog.import_command import describe, progress_bar
from catalog.import_journal import Progress
from catalog.imports import import_products


class Command(BaseCommand):
    help = "Import Complete Journey, a year of a grocer's purchases published for teaching, with its dates shifted."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit-shoppers", type=int, metavar="N", help="only the first N households")
        parser.add_argument("--events-until", metavar="DATE", help="end the log earlier, for instance 2017-06-01")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.DATA_DIR) / "completejourney"
        until = _date(options["events_until"])
        prepared = prepare(folder, now=timezone.now(), until=until, limit_shoppers=options["limit_shoppers"])
        self.stdout.write(
            f"Complete Journey (public teaching data), moved by {prepared.weeks} weeks; files in {folder}"
        )
        for sentence in prepared.odd.in_words():
            self.stdout.write(f"  {sentence}")
        for words, function, path in (
            ("products", import_products, prepared.products),
            ("shoppers", import_shoppers, prepared.shoppers),
            ("events", import_events, prepared.events),
        ):
            with progress_bar(hidden=options["verbosity"] == 0) as bar:
                task = bar.add_task(words, total=None, rows=0)

                def report(now: Progress, bar: Any = bar, task: Any = task) -> None:
                    bar.update(task, total=1.0, completed=now.fraction, rows=now.rows)

                outcome = function(path, report=report)
            first, *findings = describe(outcome)
            self.stdout.write(f"{words}: {first}")
            for finding in findings:
                self.stdout.write(finding)
        self.stdout.write(f"{prepared.held_back_count:,} lines of the last four weeks are held back for the simulator")


def _date(word: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(word) if word else None
    except ValueError as error:
        raise CommandError(f"--events-until: expected a date such as 2017-06-01; received {word!r}") from error
