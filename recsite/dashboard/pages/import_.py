"""One import: how far it is, what became of its rows, what was found in the file, and what was refused."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from catalog.health import ImportHealth
from catalog.models import Import
from recsite import uploads
from recsite.dashboard import numbers, roles
from recsite.dashboard.addresses import page
from recsite.dashboard.components import (
    Action,
    Badge,
    Crumb,
    Fact,
    Facts,
    Notice,
    PageHeader,
    Progress,
    Stat,
    StatStrip,
    Step,
)
from recsite.dashboard.graphics import Bar
from recsite.dashboard.pages.data_imports import import_state
from recsite.dashboard.tables import Cell, Column, Row, Table

SAMPLES = 20
_STEPS = (("reading", "Reading and checking"), ("storing", "Storing"))
#: Findings that name products, with the filter of the product list that shows them.
_PRODUCTS = {
    "unknown_products": {"state": "unknown"},
    "without_category": {"missing": "category"},
    "without_price": {"missing": "price"},
    "hidden_products": {"state": "hidden"},
}


@dataclass(frozen=True)
class ImportPage:
    """``url`` is asked for the whole part again every second while the import runs."""

    header: PageHeader
    url: str
    progress: Progress | None
    notice: Notice | None
    stats: StatStrip | None
    findings: Table | None
    missing: Table | None
    missing_note: str
    facts: Facts
    rejects: Table | None


def build(row: Import, *, permissions: frozenset[str] = frozenset()) -> ImportPage:
    """No query but that for a later import of the same file."""
    rejects = uploads.rejects_of(row)
    active = row.status in (Import.Status.QUEUED, Import.Status.RUNNING)
    health = ImportHealth.from_dict(row.health)
    return ImportPage(
        header=_header(row, rejects),
        url=page("import", row.pk) if active else "",
        progress=_progress(row) if active else None,
        notice=_notice(row, permissions),
        stats=_stats(row) if row.rows_read and not active else None,
        findings=_findings(health) if health.rows else None,
        missing=_missing(health) if health.rows else None,
        missing_note=f"of {numbers.plural(health.rows, 'accepted row')}" if health.rows else "",
        facts=_facts(row, health),
        rejects=_rejects(rejects) if rejects else None,
    )


def _header(row: Import, rejects: Path | None) -> PageHeader:
    actions = [Action("Download rejects", page("import-rejects", row.pk), download=True)] if rejects else []
    by = row.requested_by.get_username() if row.requested_by else "a command"
    state = import_state(row)
    return PageHeader(
        row.file_name,
        f"{row.kind.capitalize()}, imported by {by}, {numbers.moment(row.started_at)}",
        actions=actions,
        badge=state if isinstance(state, Badge) else None,
        crumbs=[Crumb("Data", page("data"))],
    )


def _progress(row: Import) -> Progress:
    waiting = row.status == Import.Status.QUEUED
    silent = max(0.0, (timezone.now() - row.updated_at).total_seconds())
    done = [name for name, _ in _STEPS].index(row.step) if row.step in dict(_STEPS) else -1
    steps = [Step("Waiting for a worker", "current" if waiting else "done")]
    for place, (name, label) in enumerate(_STEPS):
        steps.append(Step(label, "done" if place < done else "current" if name == row.step else "waiting"))
    rate = row.rows_per_second
    facts = [f"{numbers.count(row.rows_read)} of about {numbers.count(row.rows_total)} rows"] if row.rows_read else []
    if rate:
        facts.append(f"{numbers.count(rate)} rows/s")
    return Progress("Import", row.progress, steps, facts=facts, silent=silent, running=True)


def _notice(row: Import, permissions: frozenset[str]) -> Notice | None:
    if row.status == Import.Status.FAILED:
        return Notice("Nothing was stored.", _named(row), "bad", _again(row, permissions))
    if row.status == Import.Status.REFUSED:
        lines = numbers.plural(row.rejected, "line")
        text = (
            f"{lines} of {numbers.count(row.rows_read)} were refused, so none was stored. Each is in the file of "
            "rejects with its reason: mend them and hand the file in again, or store the others."
        )
        return Notice("Nothing was stored.", text, "warn", _again(row, permissions))
    return None


def _named(row: Import) -> str:
    """The error as the reader of the file worded it, as a sentence."""
    text = row.error.strip() or "No reason was given."
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _again(row: Import, permissions: frozenset[str]) -> Sequence[Action]:
    """Tried again with the file that is kept; an import by a command has none."""
    if roles.IMPORT not in permissions or not row.upload or not uploads.path_of(row).is_file():
        return ()
    retry = page("import-retry", row.pk)
    if row.status == Import.Status.REFUSED:
        valid = numbers.count(row.rows_read - row.rejected)
        return (Action(f"Store the {valid} others", retry, "primary", post=True, fields={"allow_rejects": "on"}),)
    return (Action("Try again", retry, "primary", post=True),)


def _stats(row: Import) -> StatStrip:
    share = row.rejected / row.rows_read if row.rows_read else None
    seconds = (row.finished_at - row.started_at).total_seconds() if row.finished_at else None
    return StatStrip(
        [
            Stat("Rows read", numbers.count(row.rows_read), note=f"in {numbers.duration(seconds)}" if seconds else ""),
            Stat("New", numbers.count(row.stored)),
            Stat("Changed", numbers.count(row.changed)),
            Stat("There already", numbers.count(row.duplicate)),
            Stat("Rejected", numbers.count(row.rejected), note=numbers.percent(share, 1) if row.rejected else ""),
        ],
        label="What became of the rows",
    )


def _findings(health: ImportHealth) -> Table:
    columns = [Column("Found in the file"), Column("How many", numeric=True)]
    words = {sentence: code for code, sentence in _codes(health)}
    rows = [
        Row(
            [Cell(sentence[:1].upper() + sentence[1:]), Cell(numbers.count(count))],
            href=page("products", **_PRODUCTS[words[sentence]]) if words.get(sentence) in _PRODUCTS else "",
        )
        for sentence, count in health.in_words()
    ]
    empty = "Nothing odd was found in the rows that were accepted."
    return Table("What was found in the file", columns, rows, empty=empty)


def _codes(health: ImportHealth) -> list[tuple[str, str]]:
    return [(code, words) for code in health.findings for words, _ in ImportHealth(findings={code: 1}).in_words()]


def _missing(health: ImportHealth) -> Table:
    columns = [
        Column("Column"),
        Column("Missing", numeric=True),
        Column("Share", wide=True),
        Column("Rows", numeric=True),
    ]
    rows = []
    for name, count in sorted(health.missing.items(), key=lambda pair: (-pair[1], pair[0])):
        share = count / health.rows if health.rows else 0.0
        bar = Bar(share, "warn" if share >= 0.2 else "accent")
        rows.append(
            Row(
                [
                    Cell(name),
                    Cell(numbers.percent(share, 1)),
                    Cell(bar),
                    Cell(numbers.count(count) if count else "none"),
                ]
            )
        )
    return Table("Empty cells by column", columns, rows)


def _facts(row: Import, health: ImportHealth) -> Facts:
    shortened = ", ".join(f"{name} ({numbers.count(count)})" for name, count in health.shortened.items())
    return Facts(
        [
            Fact("File", row.file_name, numbers.size(row.bytes_total)),
            Fact("SHA-256", row.sha256[:16], "of the whole file"),
            Fact("Left out", ", ".join(health.ignored_columns) or "no column"),
            Fact("Shortened", shortened or "no text"),
        ]
    )


def _rejects(path: Path) -> Table:
    """The first lines of the file of rejects."""
    columns = [Column("Line", numeric=True), Column("Reason"), Column("As it stood", wide=True)]
    rows = []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        for place, line in enumerate(csv.DictReader(file)):
            if place == SAMPLES:
                break
            note = " · ".join(part for part in (line.get("code"), line.get("field")) if part)
            original = (line.get("original") or "")[:200]
            rows.append(Row([Cell(line.get("line") or ""), Cell(line.get("message") or "", note=note), Cell(original)]))
    return Table("The first refused lines", columns, rows, empty="The file of rejects is empty.")
