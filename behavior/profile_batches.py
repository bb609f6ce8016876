"""The events of many shoppers as columns for ``profile_fold.fold``, in portions that fit into memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from django.db import connection

from behavior.calendar import shop_zone
from behavior.models import EventType
from behavior.profiles import BANDS, PURCHASE, Log, Norms, Shelf

PORTION = 500_000  # events
#: Clicks and impressions of the simulator say what a click model does, not what somebody likes.
REAL = "NOT (source = 'simulator' AND type <> 'purchase')"
COLUMNS = {
    "shopper": pa.int64(), "at": pa.float64(), "type": pa.string(), "product": pa.int64(), "quantity": pa.float64(),
    "price": pa.float64(), "session": pa.string(),
}  # fmt: skip


def sizes(as_of: datetime) -> list[tuple[int, int]]:
    """(shopper id, number of events) of everybody who may be profiled and did something, by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT shopper_id, count(*) FROM behavior_event
            WHERE at <= %s AND {REAL}
              AND shopper_id NOT IN (SELECT id FROM behavior_shopper WHERE consent IS FALSE)
            GROUP BY shopper_id ORDER BY shopper_id
            """,
            [as_of],
        )
        return cursor.fetchall()


def portions(counted: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Shopper ids in portions of about ``PORTION`` events."""
    portion: list[int] = []
    events = 0
    for shopper, count in counted:
        portion.append(shopper)
        events += count
        if events >= PORTION:
            yield portion
            portion, events = [], 0
    if portion:
        yield portion


def read_log(shoppers: Sequence[int], as_of: datetime) -> Log:
    """All events of these shoppers up to ``as_of``."""
    out = io.BytesIO()
    query = f"""
        COPY (
            SELECT shopper_id, extract(epoch FROM at)::float8, type, coalesce(product_id, -1), quantity, price, session
            FROM behavior_event WHERE shopper_id = ANY(%s) AND at <= %s AND {REAL}
        ) TO STDOUT (FORMAT csv)
    """
    with connection.cursor() as cursor, cursor.copy(query, [list(shoppers), as_of]) as copy:
        for data in copy:
            out.write(data)
    if out.tell() == 0:
        return _log(pa.table({name: pa.array([], kind) for name, kind in COLUMNS.items()}))
    out.seek(0)
    options = pa_csv.ConvertOptions(column_types=COLUMNS, strings_can_be_null=False)
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    return _log(pa_csv.read_csv(out, pa_csv.ReadOptions(column_names=list(COLUMNS)), parse, options))


def _log(table: pa.Table) -> Log:
    def numbers(name: str) -> np.ndarray:
        return np.asarray(pc.fill_null(table[name], float("nan")), float)

    def words(name: str) -> pd.Categorical:
        column = table[name].combine_chunks().dictionary_encode()
        return pd.Categorical.from_codes(np.asarray(column.indices), column.dictionary.to_pylist())

    return Log(
        shopper=np.asarray(table["shopper"]),
        at=np.asarray(table["at"]),
        type=words("type"),
        product=np.asarray(table["product"]),
        quantity=numbers("quantity"),
        price=numbers("price"),
        session=words("session"),
    )


def read_shelf(products: np.ndarray) -> Shelf:
    """What is known of these products (internal ids)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT product.id, product.external_id, coalesce(category.path, ''), product.brand
            FROM catalog_product AS product LEFT JOIN catalog_category AS category ON category.id = product.category_id
            WHERE product.id = ANY(%s) ORDER BY product.id
            """,
            [products.tolist()],
        )
        rows = cursor.fetchall()
    ids, external_ids, paths, brands = zip(*rows, strict=True) if rows else ((), (), (), ())
    texts = (np.array(column, dtype=object) for column in (external_ids, paths, brands))
    return Shelf(np.array(ids, np.int64), *texts)


def read_norms(as_of: datetime) -> Norms:
    """What is usual in the shop up to ``as_of``: three passes over the log in SQL."""
    interest = tuple(EventType.objects.filter(weight__gt=0).values_list("name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT percentile_cont(0.8) WITHIN GROUP (ORDER BY days),
                   percentile_cont(0.8) WITHIN GROUP (ORDER BY events),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY span / nullif(days - 1, 0))
            FROM (
                SELECT count(DISTINCT day) FILTER (WHERE day > '1970-01-01') AS days, sum(events) AS events,
                       (max(day) - min(day) FILTER (WHERE day > '1970-01-01'))::float8 AS span
                FROM (
                    SELECT shopper_id, (at AT TIME ZONE %s)::date AS day, count(*) AS events FROM behavior_event
                    WHERE at <= %s AND type = ANY(%s) AND {REAL} GROUP BY shopper_id, day
                ) AS by_day GROUP BY shopper_id
            ) AS by_shopper
            """,
            [str(shop_zone()), as_of, list(interest)],
        )
        often, often_events, gap = cursor.fetchone()
        fifths = [fifth / BANDS for fifth in range(1, BANDS)]
        cursor.execute(
            """
            SELECT percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY price) FROM behavior_event
            WHERE at <= %s AND type = %s AND price > 0
            """,
            [fifths, as_of, PURCHASE],
        )
        (edges,) = cursor.fetchone()
    return Norms(interest, often or 1.0, float(often_events or 1.0), gap, tuple(edges or ()))
