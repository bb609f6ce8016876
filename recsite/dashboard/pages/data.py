"""Data: can each strategy work with the data that arrives, what is missing, what came and what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsite.dashboard import charts, numbers, readiness, roles
from recsite.dashboard.addresses import page
from recsite.dashboard.charts import Chart, Days
from recsite.dashboard.components import Action, EmptyState, Nothing, PageHeader
from recsite.dashboard.pages.data_imports import ImportList, Upload, import_list, upload
from recsite.dashboard.pages.data_missing import counts, missing, products_of
from recsite.dashboard.pages.data_readiness import readiness_table
from recsite.dashboard.pages.data_rejects import rejects_table
from recsite.dashboard.pages.data_stream import Stream, stream
from recsite.dashboard.queries import data as queries
from recsite.dashboard.queries.data import Counted, TypeRow
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table


@dataclass(frozen=True)
class DataPage:
    """The page's blocks, in order; ``upload`` is the admin's."""

    header: PageHeader
    readiness: Table
    checked: str
    missing: Table | EmptyState
    missing_note: str
    imports: ImportList
    upload: Upload | None
    stream: Stream
    days: Chart | Nothing
    rejects: Table
    rejects_note: str
    types: Table
    types_note: str


def build(
    params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str] = frozenset(), error: str = ""
) -> DataPage:
    """What takes long to count is kept for ten minutes; ``check again`` in the address's view counts anew."""
    checked, counted = readiness.checked(), counts(shop)
    may_import = roles.IMPORT in permissions
    letters = queries.dead_letters()
    return DataPage(
        header=_header(may_import),
        readiness=readiness_table(checked),
        checked=f"checked {numbers.ago(checked.at)} · 75\u2009% is ready, 50\u2009% works",
        missing=missing(counted),
        missing_note=f"{numbers.plural(products_of(counted), 'product')}, "
        f"{numbers.plural(counted.shoppers.shoppers, 'shopper')}",
        imports=import_list(params),
        upload=upload(params.get("kind", ""), error) if may_import else None,
        stream=stream(params, shop),
        days=_days(counted),
        rejects=rejects_table(letters, may_import),
        rejects_note=numbers.plural(sum(one.count for one in letters), "event") + " waiting" if letters else "",
        types=_types(counted.types),
        types_note="the newest 28 days of the log",
    )


def check_again(shop: Shop) -> None:
    """Count anew what is kept."""
    readiness.checked(again=True)
    counts(shop, again=True)


def _header(may_import: bool) -> PageHeader:
    return PageHeader(
        "Data health",
        "Can each strategy work with the data that arrives?",
        actions=[
            Action("Export CSV", page("data", format="csv"), "quiet", download=True),
            *([Action("Import…", "#import")] if may_import else []),
            Action("Check again", page("data", check="again"), "primary"),
        ],
    )


def _days(counted: Counted) -> Chart | Nothing:
    if not counted.days:
        return Nothing("No event yet", "Lines per day are drawn once events arrive.")
    values = [value or None for value in counted.days]
    return charts.day_bars(id="lines", what="Events per day", days=Days(counted.first_day, values), height=220)


def _types(rows: Sequence[TypeRow]) -> Table:
    columns = [
        Column("Type"),
        Column("Weight in training", numeric=True, wide=True),
        Column("A success", wide=True),
        Column("Events", numeric=True),
        Column("Simulated", numeric=True),
        Column("Newest", wide=True),
    ]
    return Table("Declared event types", columns, [_type_row(row) for row in rows], id="types")


def _type_row(row: TypeRow) -> Row:
    return Row(
        [
            Cell(row.name, note="" if row.is_builtin else "the shop's own"),
            Cell(numbers.decimal(row.weight, 1)),
            Cell("yes" if row.is_target else "no", tone="" if row.is_target else "muted"),
            Cell(numbers.count(row.events) if row.events else "none", tone="" if row.events else "muted"),
            Cell(numbers.count(row.simulated) if row.simulated else numbers.NONE, tone="muted"),
            Cell(numbers.moment(row.newest) if row.newest else numbers.NONE),
        ]
    )
