"""The three import commands look the same: one file, a progress bar, a plain report, exit code 1 on refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from catalog.import_journal import Progress as ImportProgress
from catalog.import_journal import Report
from catalog.import_row import Outcome
from catalog.import_run import ImportRefusedError
from catalog.tables import ensure_tables
from catalog.tabular import TableError


class ImportFunction(Protocol):
    """``import_products`` and its like."""

    def __call__(self, path: Path, *, allow_rejects: bool, source: str, report: Report | None) -> Outcome: ...


class _Rows(ProgressColumn):
    def render(self, task: Task) -> Text:
        rows = task.fields.get("rows", 0)
        rate = rows / task.elapsed if task.elapsed else 0
        return Text(f"{rows:,} rows · {rate:,.0f} a second")


class ImportCommand(BaseCommand):
    """A command that imports one file with ``import_file``."""

    requires_system_checks = ()  # nothing here is about URLs or templates
    import_file: ImportFunction

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV (.csv, .csv.gz; UTF-8, header) or Parquet")
        parser.add_argument("--allow-rejects", action="store_true", help="store what is valid, leave out what is not")
        parser.add_argument("--source", default="import", help="what is noted as the origin of the rows")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if len(options["source"]) > 16:
            raise CommandError(f"--source: expected at most 16 characters; received {options['source']!r}")
        ensure_tables(self.stdout.write)
        try:
            outcome = self._import_with_bar(path, options)
        except (TableError, ImportRefusedError) as error:
            raise CommandError(f"{path.name}: {error}" if isinstance(error, TableError) else str(error)) from error
        for line in describe(outcome):
            self.stdout.write(line)

    def _import_with_bar(self, path: Path, options: dict[str, Any]) -> Outcome:
        import_file = type(self).import_file
        with progress_bar(hidden=options["verbosity"] == 0) as bar:
            task = bar.add_task("reading", total=None, rows=0)

            def report(now: ImportProgress) -> None:
                bar.update(task, description=now.step, total=1.0, completed=now.fraction, rows=now.rows)

            return import_file(path, allow_rejects=options["allow_rejects"], source=options["source"], report=report)


def progress_bar(*, hidden: bool = False) -> Progress:
    """A bar on standard error, so that what a command prints stays clean; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:>8}"), BarColumn(), _Rows(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal)


def describe(outcome: Outcome) -> list[str]:
    """What a person wants to know after an import, one line each."""
    rate = outcome.rows / outcome.seconds if outcome.seconds else 0
    lines = [
        f"{outcome.stored:,} stored, {outcome.changed:,} changed, {outcome.duplicate:,} duplicate, "
        f"{outcome.rejected:,} rejected of {outcome.rows:,} rows in {outcome.seconds:.1f} s ({rate:,.0f} rows/s)"
    ]
    if outcome.rejected:
        lines.append(f"rejected lines, each with its reason: {outcome.rejects_file}")
    lines += [f"  {count:,} {words}" for words, count in outcome.health.in_words()]
    if outcome.health.ignored_columns:
        lines.append(f"  columns without a place in events, left out: {', '.join(outcome.health.ignored_columns)}")
    return lines
