"""``manage.py build_profiles``: fold everybody's events into their profiles."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from behavior.models import ShopperProfile
from behavior.services import build_profiles
from catalog.import_command import progress_bar


class Command(BaseCommand):
    help = "Build every shopper's profile from their events."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", metavar="TIME", help="as of this time instead of the newest event's")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = _time(options["as_of"])
        start = time.monotonic()
        with progress_bar(hidden=options["verbosity"] == 0) as bar:
            task = bar.add_task("profiles", total=None, rows=0)

            def report(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total, rows=done)

            done = build_profiles(as_of=as_of, report=report)
        sizes = _segments()
        self.stdout.write(f"{done:,} profiles in {time.monotonic() - start:.1f} s{': ' if sizes else ''}{sizes}")


def _segments() -> str:
    segments = ShopperProfile.objects.values_list("segment", flat=True)
    names = list(segments)
    return ", ".join(f"{names.count(name):,} {name}" for name in sorted(set(names), key=names.count, reverse=True))


def _time(word: str | None) -> datetime | None:
    if word is None:
        return None
    try:
        at = datetime.fromisoformat(word)
    except ValueError as error:
        raise CommandError(f"--as-of: expected a time such as 2026-03-31T17:05:00Z; received {word!r}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
