"""Imports: what files came and how they fared, and the form for another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings

from catalog.models import Import
from catalog.queries import imports
from recsite.dashboard import numbers, tables
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Badge, Component, Nothing, Option, Select
from recsite.dashboard.tables import Cell, Column, Row, Table

IMPORTS_SHOWN = 10
_STATES = {"queued": "accent", "running": "accent", "stored": "good", "refused": "warn", "failed": "bad"}


KINDS = {
    "events": "Events: shopper_id, product_id and what else there is (type, at, quantity, price …)",
    "products": "Products: product_id and what else there is (title, category, brand, price …)",
    "shoppers": "Shoppers: shopper_id and what else there is (age, gender, income …)",
}


@dataclass(frozen=True)
class ImportList:
    """The imports; ``url`` is asked for this same fragment while one of them runs."""

    template: ClassVar[str] = "partials/imports.html"
    table: Table
    url: str = ""


@dataclass(frozen=True)
class Upload:
    """The form for a file; ``error`` says what was wrong with the last one."""

    template: ClassVar[str] = "partials/upload.html"
    action: str
    kind: Select
    error: str = ""
    limit: str = ""


def import_list(params: Mapping[str, str]) -> ImportList:
    """The newest imports, ten a page. Two queries."""
    rows = imports().select_related("requested_by")
    total = rows.count()
    number = tables.page_number(params, total, IMPORTS_SHOWN)
    shown = list(rows[(number - 1) * IMPORTS_SHOWN : number * IMPORTS_SHOWN])
    columns = [
        Column("File"),
        Column("When"),
        Column("By", wide=True),
        Column("Rows", numeric=True),
        Column("Rejected", numeric=True, wide=True),
        Column("State"),
    ]
    rest = {key: value for key, value in params.items() if key == "page"}
    table = Table(
        "Imports, the newest first",
        columns,
        [_import_row(row) for row in shown],
        pager=tables.pager(page=number, total=total, noun="imports", params=rest, size=IMPORTS_SHOWN)
        if total > IMPORTS_SHOWN
        else None,
        empty=Nothing("Nothing was imported yet", "A catalogue first, then shoppers and what they bought."),
        id="imports-table",
    )
    running = any(row.status in ("queued", "running") for row in shown)
    return ImportList(table, page("data-imports", **rest) if running else "")


def _import_row(row: Import) -> Row:
    by = row.requested_by.get_username() if row.requested_by else "a command"
    return Row(
        href=page("import", row.pk),
        cells=[
            Cell(row.file_name, note=row.kind),
            Cell(numbers.moment(row.started_at)),
            Cell(by, tone="" if row.requested_by else "muted"),
            Cell(numbers.count(row.rows_read)),
            Cell(numbers.count(row.rejected), tone="bad" if row.rejected else "muted"),
            Cell(import_state(row)),
        ],
    )


def import_state(row: Import) -> Component:
    """The import's state in a word; while it runs, how far it is."""
    if row.status == Import.Status.RUNNING:
        return Badge(f"{row.progress:.0%} {row.step}".strip().replace("%", "\u2009%"), "accent")
    return Badge(row.status, _STATES.get(row.status, "neutral"))


def upload(kind: str = "", error: str = "") -> Upload:
    """The empty form; ``error`` stands beside the file."""
    options = [Option(name, words, name == kind) for name, words in KINDS.items()]
    return Upload(
        page("import-upload"),
        Select("kind", "What the file holds", options),
        error,
        f"CSV (.csv or .csv.gz, UTF-8, with a header) or Parquet, up to {settings.UPLOAD_MAX_MIB:,} MiB",
    )
