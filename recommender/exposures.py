"""Served lists and impressions → ``engine.interactions.Shown``: what was shown to whom, where, and when.

A list counts where an impression or a click says that it was seen. A shop that posts no impressions for a placement is
taken at its lists: there every answered list counts. Impressions of a single product that belong to no list of ours
count too; their position may be unknown.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import connection
from psycopg import sql

from recommender.copying import POSTGRES_EPOCH, copy_blocks
from recommender.engine.interactions import Shown, nothing_shown

DAY = 86_400.0
#: The newest that are read: some 100 MB at ten products a list.
MOST_LISTS, MOST_IMPRESSIONS = 200_000, 1_000_000
COLUMNS = (
    ("shopper", "int8"),
    ("product", "int8"),
    ("at", "timestamptz"),
    ("placement", "int2"),
    ("position", "int2"),
    ("seen", "bool"),
)
QUERY = """
WITH lists AS MATERIALIZED (
    SELECT recommendation_id, at, placement, shopper_kind, shopper_external_id, products
    FROM recommender_servedlist
    WHERE shopper_external_id <> '' AND {until} AND {simulated} ORDER BY at DESC LIMIT {most_lists}
), touched AS MATERIALIZED (
    SELECT DISTINCT recommendation_id, coalesce(product_id, 0) AS product_id
    FROM behavior_event
    WHERE recommendation_id <> '' AND type IN ('impression', 'click') AND at >= (SELECT min(at) FROM lists) AND {until}
)
SELECT coalesce(s.merged_into_id, s.id)::int8, p.product_id::int8, l.at,
       coalesce(array_position({placements}::varchar[], l.placement) - 1, -1)::int2, least(p.position, 32767)::int2,
       whole.recommendation_id IS NOT NULL OR one.recommendation_id IS NOT NULL
FROM lists l
JOIN behavior_shopper s ON s.kind = l.shopper_kind AND s.external_id = l.shopper_external_id
 AND s.consent IS DISTINCT FROM false
CROSS JOIN LATERAL unnest(l.products) WITH ORDINALITY AS p(product_id, position)
LEFT JOIN touched whole ON whole.recommendation_id = l.recommendation_id AND whole.product_id = 0
LEFT JOIN touched one ON one.recommendation_id = l.recommendation_id AND one.product_id = p.product_id
UNION ALL
(SELECT e.shopper_id, e.product_id, e.at,
        coalesce(array_position({placements}::varchar[], e.placement) - 1, -1)::int2,
        coalesce(e.position, 0)::int2, true
 FROM behavior_event e
 WHERE e.type = 'impression' AND e.product_id IS NOT NULL AND e.consent IS DISTINCT FROM false
   AND {until} AND {simulated}
   AND NOT EXISTS (SELECT FROM recommender_servedlist l WHERE l.recommendation_id = e.recommendation_id)
 ORDER BY e.at DESC LIMIT {most_impressions})
"""


def read(
    shopper_ids: np.ndarray, product_ids: np.ndarray, *, until: datetime | None = None, simulated: bool = False
) -> Shown:
    """What had been shown at ``until`` (None: ever) in the codes of ``shopper_ids`` and ``product_ids`` (int64,
    ascending); others' rows are left out. Simulated lists only where ``simulated``."""
    placements = _placements()
    query = sql.SQL(QUERY).format(
        until=sql.SQL("true") if until is None else sql.SQL("at <= {}").format(sql.Literal(until)),
        simulated=sql.SQL("true") if simulated else sql.SQL("source <> 'simulator'"),
        placements=sql.Literal(placements),
        most_lists=sql.Literal(MOST_LISTS),
        most_impressions=sql.Literal(MOST_IMPRESSIONS),
    )
    parts = [_coded(block, shopper_ids, product_ids) for block in copy_blocks(query, COLUMNS)]
    if not sum(len(part[0]) for part in parts):
        return nothing_shown()
    shopper, item, at, placement, position, seen = (np.concatenate(column) for column in zip(*parts, strict=True))
    told = np.bincount(placement, seen, len(placements)) > 0
    keep = np.flatnonzero(seen | ~told[placement])
    return Shown(shopper, item, at, placement, position, tuple(placements)).select(keep)


def _placements() -> list[str]:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT placement FROM recommender_servedlist UNION
               SELECT placement FROM behavior_event WHERE type = 'impression' AND product_id IS NOT NULL ORDER BY 1"""
        )
        return [name for (name,) in cursor.fetchall()][:32_000]


def _coded(block: np.ndarray, shopper_ids: np.ndarray, product_ids: np.ndarray) -> tuple[np.ndarray, ...]:
    shopper, known = _codes(block["shopper"], shopper_ids)
    item, sold = _codes(block["product"], product_ids)
    keep = np.flatnonzero(known & sold & (block["placement"] >= 0))
    return (
        shopper[keep],
        item[keep],
        (block["at"][keep].astype(np.int64) / 1e6 + POSTGRES_EPOCH) / DAY,
        block["placement"][keep].astype(np.int16),
        block["position"][keep].astype(np.int16),
        block["seen"][keep],
    )


def _codes(values: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int32 positions in ``ids`` (ascending), and which values are there."""
    values = values.astype(np.int64)
    if not len(ids):
        return np.zeros(len(values), np.int32), np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(ids, values), len(ids) - 1)
    return place.astype(np.int32), ids[place] == values
