"""What a benchmark leaves behind, and how it goes away again; the key it calls with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from catalog.models import Import
from recommender import served, store
from recommender.models import ServedList
from recsite.api import keys
from recsite.api.models import ApiKey

SOURCE = "bench"
NAME = "bench-"  # begins the id of every shopper and visitor of a benchmark


@contextmanager
def caller() -> Iterator[str]:
    """A secret key for the time of a benchmark; everything with the source ``bench`` is removed at its end, so there
    is one at a time in a shop."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('recsite bench'))")
        if not cursor.fetchone()[0]:
            sys.exit("another benchmark measures this shop: each would remove what the other one leaves behind")
    remove()
    made = keys.create(name="Benchmark", kind="secret", scopes=ApiKey.Scope.values)
    try:
        yield made.secret
    finally:
        keys.revoke(key=made.row)
        remove()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('recsite bench'))")


def remove() -> None:
    """Drop events, lists, shoppers and import rows of benchmarks, and what Redis holds of them."""
    served.store_all()
    ServedList.objects.filter(source=SOURCE).delete()
    Import.objects.filter(source=SOURCE).delete()
    ApiKey.objects.filter(name="Benchmark").delete()
    keys.publish()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM behavior_event WHERE source = %s", [SOURCE])
        # Locked first: a worker may be about to store profiles of them.
        cursor.execute("SELECT id FROM behavior_shopper WHERE external_id LIKE %s FOR UPDATE", [f"{NAME}%"])
        ids = [id for (id,) in cursor.fetchall()]
        cursor.execute("DELETE FROM behavior_shopperprofile WHERE shopper_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM behavior_shopper WHERE id = ANY(%s) RETURNING kind, external_id", [ids])
        gone = cursor.fetchall()
    for kind, external_id in gone:
        try:
            store.forget(f"{kind[0]}:{external_id}", [])
        except store.StoreDown:
            return


def shoppers(limit: int = 500) -> list[str]:
    """Ids of shoppers with events, spread over all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id FROM behavior_shopper s WHERE kind = 'shopper' AND EXISTS"
            " (SELECT FROM behavior_event e WHERE e.shopper_id = s.id) ORDER BY md5(external_id) LIMIT %s",
            [limit],
        )
        return [external_id for (external_id,) in cursor.fetchall()]


def products(limit: int = 500) -> list[str]:
    """Ids of products for sale."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id FROM catalog_product WHERE NOT hidden AND retired_at IS NULL"
            " AND stock IS DISTINCT FROM 0 ORDER BY md5(external_id) LIMIT %s",
            [limit],
        )
        return [external_id for (external_id,) in cursor.fetchall()]
