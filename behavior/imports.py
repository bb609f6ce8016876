"""Shoppers and events from a file. What is particular to each; ``catalog.import_run`` does the rest."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from behavior import partitions, queries
from behavior.identities import event_ids
from behavior.records import MAX_AHEAD, MAX_POSITION, TEXT_LENGTHS, UNTIMED, unknown_type
from behavior.staged_events import add_stubs, drop_stored, join_whole_numbers, number_equals
from catalog.attributes import attribute_objects
from catalog.cells import Cells
from catalog.health import ABSURD_QUANTITY, HealthCount
from catalog.import_journal import Journal, Report
from catalog.import_row import Outcome, Stored
from catalog.import_run import run_import
from catalog.models import Import
from catalog.tabular import Columns
from catalog.upserts import Target, drop_repeated, upsert

DEFAULT_TYPE = "purchase"
#: The log is written in at most so many portions, in order of time, so that progress can be told between them.
PORTIONS = 12


class Shoppers:
    """The columns of a shoppers file and where they go."""

    name = Import.Kind.SHOPPERS.value
    required = ("shopper_id",)
    known = ("shopper_id", "age", "gender", "income", "consent")
    staged_name = "staged_shopper"
    staging = """
        CREATE TEMP TABLE staged_shopper (
            line bigint, shopper_id text, age text, gender text, income text, consent boolean, attributes jsonb
        ) ON COMMIT DROP
    """
    values = {
        "age": ("age", "coalesce(staged.age, '')"),
        "gender": ("gender", "coalesce(staged.gender, '')"),
        "income": ("income", "coalesce(staged.income, '')"),
        "consent": ("consent", "staged.consent"),
    }
    defaults = {"age": "''", "gender": "''", "income": "''"}

    def typed(self, cells: Cells, columns: Columns, health: HealthCount) -> pa.Table:
        return pa.table(
            {
                "line": pa.array(cells.chunk.lines),
                "shopper_id": cells.identity("shopper_id"),
                "age": cells.text("age", max_length=32),
                "gender": cells.text("gender", max_length=32),
                "income": cells.text("income", max_length=32),
                "consent": cells.booleans("consent"),
                "attributes": attribute_objects(cells, columns.unknown),
            }
        )

    def store(self, cursor: CursorWrapper, columns: Columns, health: HealthCount, journal: Journal) -> Stored:
        repeated = drop_repeated(cursor, self.staged_name, "shopper_id")
        health.findings["repeated_ids"] += repeated
        target = Target(
            table="behavior_shopper",
            staged=self.staged_name,
            identity="shopper_id",
            values=dict(self.values[name] for name in columns.known if name in self.values),
            defaults=self.defaults,
            fixed={"kind": "'shopper'"},
        )
        done = upsert(cursor, target, columns.unknown)
        return Stored(done.stored, done.changed, done.duplicate + repeated)

    def tidy(self, cursor: CursorWrapper) -> None:
        cursor.execute("ANALYZE behavior_shopper")


class Events:
    """The columns of an events file and where they go."""

    name = Import.Kind.EVENTS.value
    required = ("shopper_id", "product_id")
    known = (
        "shopper_id", "product_id", "type", "at", "event_id", "value", "quantity", "price", "session", "placement",
        "recommendation_id", "position",
    )  # fmt: skip
    staged_name = "staged_event"
    staging = """
        CREATE TEMP TABLE staged_event (
            line bigint, event_id uuid, own_id boolean, at timestamptz, type text, shopper text, product text,
            quantity double precision, price double precision, value double precision, session text, placement text,
            recommendation_id text, position smallint
        ) ON COMMIT DROP
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.types = queries.declared_types()
        self.latest = timezone.now() + MAX_AHEAD

    def typed(self, cells: Cells, columns: Columns, health: HealthCount) -> pa.Table:
        at = cells.times("at", latest=self.latest)
        quantity = cells.numbers("quantity")
        price = cells.numbers("price", least=0)
        type_ = self._types(cells)
        recommendation = cells.identity(
            "recommendation_id", required=False, max_length=TEXT_LENGTHS["recommendation_id"]
        )
        table = {
            "at": pc.fill_null(at, pa.scalar(UNTIMED, pa.timestamp("us", "UTC"))),
            "type": type_,
            "shopper": cells.identity("shopper_id"),
            "product": self._products(cells, type_, recommendation),
            "quantity": quantity,
            "price": price,
            "value": cells.numbers("value"),
            "session": _short(cells, "session"),
            "placement": _short(cells, "placement"),
            "recommendation_id": pc.fill_null(recommendation, ""),
            "position": cells.whole_numbers("position", most=MAX_POSITION),
        }
        own = cells.text("event_id")
        ids = {"line": pa.array(cells.chunk.lines), "event_id": event_ids(own, table), "own_id": pc.is_valid(own)}
        health.ignored_columns = columns.unknown
        health.findings["without_time"] += cells.count(pc.is_null(at))
        health.findings["quantity_not_positive"] += cells.count(pc.less_equal(quantity, 0))
        health.findings["quantity_absurd"] += cells.count(pc.greater(quantity, ABSURD_QUANTITY))
        health.findings["price_zero"] += cells.count(pc.equal(price, 0))
        return pa.table(ids | table)

    def _types(self, cells: Cells) -> pa.Array:
        words = pc.utf8_lower(pc.fill_null(cells.text("type"), DEFAULT_TYPE))  # every declared name is in small letters
        declared = pc.is_in(words, pa.array(self.types, pa.string()))
        rows = pc.invert(declared).to_numpy(zero_copy_only=False).nonzero()[0]
        cells.refuse(rows, "unknown_type", "type", lambda cell: unknown_type(repr(cell), self.types))
        return words

    def _products(self, cells: Cells, types: pa.Array, recommendation: pa.Array) -> pa.Array:
        """A product in every line, but for an impression that names a whole list."""
        products = cells.identity("product_id", required=False)
        of_list = pc.and_(pc.equal(types, "impression"), pc.is_valid(recommendation))
        missing = pc.and_(pc.is_null(products), pc.invert(of_list)).to_numpy(zero_copy_only=False).nonzero()[0]
        cells.refuse(missing, "missing", "product_id", lambda cell: f"expected an id; the cell {cell!r} is empty")
        return products

    def store(self, cursor: CursorWrapper, columns: Columns, health: HealthCount, journal: Journal) -> Stored:
        cursor.execute("SELECT count(*) FROM pg_temp.staged_event")
        (rows,) = cursor.fetchone()
        number_equals(cursor)
        if "event_id" in columns.known:
            drop_stored(cursor)
        join_whole_numbers(cursor, health)
        add_stubs(cursor, health)
        stored = self._insert(cursor, journal)
        return Stored(stored, 0, rows - stored)

    def _insert(self, cursor: CursorWrapper, journal: Journal) -> int:
        months = _months(cursor)
        worth = [month for month, count in months if count >= partitions.WORTH_A_PARTITION]
        partitions.ensure_months(worth, db=journal.side)
        stored = 0
        size = max(1, -(-len(months) // PORTIONS))
        for start in range(0, len(months), size):
            portion = months[start : start + size]
            cursor.execute(INSERT, [self.source, portion[0][0], partitions.next_month(portion[-1][0])])
            stored += cursor.rowcount
            journal.stored((start + len(portion)) / len(months))
        return stored

    def tidy(self, cursor: CursorWrapper) -> None:
        cursor.execute("ANALYZE behavior_event")
        cursor.execute("ANALYZE behavior_shopper")


def _short(cells: Cells, name: str) -> pa.Array:
    return pc.fill_null(cells.text(name, max_length=TEXT_LENGTHS[name]), "")


def _months(cursor: CursorWrapper) -> list[tuple[partitions.date, int]]:
    cursor.execute("""
        SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date AS month, count(*)
        FROM pg_temp.staged_event GROUP BY month ORDER BY month
    """)
    return cursor.fetchall()


INSERT = """
INSERT INTO behavior_event (event_id, at, type, shopper_id, product_id, quantity, price, value,
                            session, placement, recommendation_id, position, source)
SELECT staged.event_id, staged.at, staged.type, coalesce(shopper.merged_into_id, shopper.id), product.id,
       staged.quantity, staged.price, staged.value, staged.session, staged.placement, staged.recommendation_id,
       staged.position, %s
FROM pg_temp.staged_event AS staged
JOIN behavior_shopper AS shopper ON shopper.kind = 'shopper' AND shopper.external_id = staged.shopper
LEFT JOIN catalog_product AS product ON product.external_id = staged.product
WHERE staged.at >= %s::timestamp AT TIME ZONE 'UTC' AND staged.at < %s::timestamp AT TIME ZONE 'UTC'
ON CONFLICT DO NOTHING
"""


def import_shoppers(
    path: Path,
    *,
    allow_rejects: bool = False,
    source: str = "import",
    report: Report | None = None,
    row: Import | None = None,
) -> Outcome:
    """Import a shoppers file (CSV or Parquet); see :func:`catalog.import_run.run_import` for what it raises."""
    return run_import(path, Shoppers(), allow_rejects=allow_rejects, source=source, report=report, row=row)


def import_events(
    path: Path,
    *,
    allow_rejects: bool = False,
    source: str = "import",
    report: Report | None = None,
    row: Import | None = None,
) -> Outcome:
    """Import an events file (CSV or Parquet); see :func:`catalog.import_run.run_import` for what it raises."""
    return run_import(path, Events(source), allow_rejects=allow_rejects, source=source, report=report, row=row)
