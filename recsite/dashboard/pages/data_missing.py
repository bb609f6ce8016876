"""What products and shoppers lack, attribute by attribute, and what is done instead."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.models import Import
from recsite.dashboard import filling, numbers, readiness
from recsite.dashboard.addresses import page
from recsite.dashboard.components import EmptyState
from recsite.dashboard.filling import Filling
from recsite.dashboard.graphics import Bar
from recsite.dashboard.kept import Kept
from recsite.dashboard.queries import data as queries
from recsite.dashboard.queries.data import Counted, Gap
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

CSV_HEADER = ("of", "attribute", "missing", "total", "share", "instead", "worst_department", "worst_share")
LABELS = {"image_url": "Picture", "title": "Title", "category": "Category", "brand": "Brand", "price": "Shelf price"}
_KEPT: Kept[Counted] = Kept("data health", seconds=readiness.KEPT)


def counts(shop: Shop, *, again: bool = False) -> Counted:
    """What was counted in the last ten minutes or so, or since the last finished import."""
    last = Import.objects.filter(finished_at__isnull=False).order_by("-finished_at").values_list("pk", "finished_at")
    key = (last.first(), shop.zone.key)
    return (_KEPT.again if again else _KEPT.get)(lambda: queries.counted(shop), key)


def products_of(counted: Counted) -> int:
    """How many products there are."""
    return counted.gaps[0].total if counted.gaps else 0


def label_of(name: str) -> str:
    """The word for a column of the catalogue."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def missing(counted: Counted) -> Table | EmptyState:
    """A line for each attribute of products and shoppers, once there are products."""
    if not products_of(counted):
        return EmptyState(
            "No products yet",
            "Import a catalogue, or post it product by product. What it lacks is listed here.",
            tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Milk")],
        )
    filled = filling.in_force()
    columns = [
        Column("Attribute"),
        Column("Missing", numeric=True),
        Column("Share", wide=True),
        Column("What we do instead"),
        Column("Where", wide=True),
    ]
    rows = [_gap_row(gap, filled) for gap in counted.gaps] + _shopper_rows(counted, filled)
    return Table("Missing values by attribute", columns, rows, id="missing")


def _gap_row(gap: Gap, filled: Filling) -> Row:
    where = _where(gap)
    return Row(
        href=page("products", missing=gap.name) if gap.missing else "",
        cells=[
            Cell(label_of(gap.name)),
            Cell(_share(gap.share)),
            Cell(Bar(gap.share, "warn" if gap.share >= 0.2 else "accent")),
            Cell(filled.instead_of(gap.name), note=filled.note(gap.name), tone="" if gap.missing else "muted"),
            Cell(where, tone="muted"),
        ],
    )


def _where(gap: Gap) -> str:
    if not gap.missing:
        return numbers.NONE
    if gap.missing < 100 or gap.share >= 0.99 or gap.worst_share < 1.5 * gap.share:
        return numbers.plural(gap.missing, "product")
    return f"{_share(gap.worst_share)} in {gap.worst}"


def _share(share: float) -> str:
    """Two digits where one would say nothing."""
    return numbers.percent(share, 2 if 0 < share < 0.001 else 0 if share in (0.0, 1.0) else 1)


def _shopper_rows(counted: Counted, filled: Filling) -> list[Row]:
    people = counted.shoppers
    if not people.shoppers:
        return []
    rows = []
    for name, given in (("age", people.with_age), ("gender", people.with_gender), ("income", people.with_income)):
        share = 1 - given / people.shoppers
        rows.append(
            Row(
                cells=[
                    Cell(f"Shopper {name}"),
                    Cell(_share(share)),
                    Cell(Bar(share, "warn" if share >= 0.2 else "accent")),
                    Cell(filled.instead_of(name), note=filled.note(name)),
                    Cell(f"{numbers.count(given)} of {numbers.count(people.shoppers)} gave it", tone="muted"),
                ]
            )
        )
    return rows


def csv_rows(shop: Shop) -> Iterator[tuple[object, ...]]:
    """The table of missing values under ``CSV_HEADER``."""
    counted, filled = counts(shop), filling.in_force()
    for gap in counted.gaps:
        figures = (gap.missing, gap.total, round(gap.share, 4))
        yield ("product", gap.name, *figures, filled.instead_of(gap.name), gap.worst, round(gap.worst_share, 4))
    people = counted.shoppers
    for name, given in (("age", people.with_age), ("gender", people.with_gender), ("income", people.with_income)):
        missing = people.shoppers - given
        share = round(missing / people.shoppers, 4) if people.shoppers else ""
        yield ("shopper", name, missing, people.shoppers, share, filled.instead_of(name), "", "")
