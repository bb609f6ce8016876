"""What is done to the staged lines of an events file before they are stored: ids of their own, products, shoppers."""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

from catalog.health import HealthCount


def number_equals(cursor: CursorWrapper) -> None:
    """Lines that say the same are several events: the second and later get ids of their own, from the line's ordinal.

    Lines with an id of the shop's own are one event however often they stand there.
    """
    cursor.execute("""
        CREATE TEMP TABLE equal_event ON COMMIT DROP AS
        SELECT event_id FROM pg_temp.staged_event WHERE NOT own_id GROUP BY event_id HAVING count(*) > 1
    """)
    cursor.execute("""
        UPDATE pg_temp.staged_event AS staged
        SET event_id = (left(numbered.id, 24) || left(md5(numbered.id || ' ' || numbered.ordinal), 12))::uuid
        FROM (
            SELECT staged_event.ctid AS row, event_id::text AS id,
                   row_number() OVER (PARTITION BY event_id ORDER BY line) AS ordinal
            FROM pg_temp.staged_event JOIN pg_temp.equal_event USING (event_id) WHERE NOT own_id
        ) AS numbered
        WHERE staged.ctid = numbered.row AND numbered.ordinal > 1
    """)
    cursor.execute("DROP TABLE pg_temp.equal_event")


def drop_stored(cursor: CursorWrapper) -> None:
    """The shop's own ids: a second line with one, or one that is stored under whatever time, is no new event."""
    cursor.execute("""
        DELETE FROM pg_temp.staged_event AS staged USING pg_temp.staged_event AS earlier
        WHERE staged.own_id AND earlier.event_id = staged.event_id AND earlier.line < staged.line
    """)
    cursor.execute("""
        DELETE FROM pg_temp.staged_event AS staged USING behavior_event AS old
        WHERE staged.own_id AND old.event_id = staged.event_id
    """)


def join_whole_numbers(cursor: CursorWrapper, health: HealthCount) -> None:
    """``17.0`` where the shop has a ``17`` and no ``17.0``: a column of numbers with a gap was written by a program
    that knows gaps among decimal numbers only."""
    for column, known in (
        ("product", "SELECT external_id FROM catalog_product"),
        ("shopper", "SELECT external_id FROM behavior_shopper WHERE kind = 'shopper'"),
    ):
        cursor.execute(f"SELECT FROM pg_temp.staged_event WHERE {column} ~ '^[0-9]+[.]0$' LIMIT 1")
        if cursor.fetchone() is None:
            continue
        cursor.execute(f"""
            UPDATE pg_temp.staged_event AS staged SET {column} = left(staged.{column}, -2)
            WHERE staged.{column} ~ '^[0-9]+[.]0$' AND staged.{column} NOT IN ({known})
              AND left(staged.{column}, -2) IN ({known} UNION SELECT {column} FROM pg_temp.staged_event)
        """)
        health.findings["point_zero_ids"] += cursor.rowcount


def add_stubs(cursor: CursorWrapper, health: HealthCount) -> None:
    """Rows for products and shoppers that only events mention, and how many there are of them."""
    cursor.execute("""
        INSERT INTO catalog_product (external_id, title, brand, currency, tags, description, image_url, attributes,
                                     hidden, is_stub, created_at, updated_at)
        SELECT product, '', '', '', '{}', '', '', '{}', false, true, now(), now()
        FROM (SELECT DISTINCT product FROM pg_temp.staged_event WHERE product IS NOT NULL) AS named
        WHERE NOT EXISTS (SELECT FROM catalog_product WHERE external_id = product)
        ORDER BY product ON CONFLICT DO NOTHING
    """)
    cursor.execute("""
        INSERT INTO behavior_shopper (kind, external_id, age, gender, income, attributes, is_stub,
                                      created_at, updated_at)
        SELECT 'shopper', shopper, '', '', '', '{}', true, now(), now()
        FROM (SELECT DISTINCT shopper FROM pg_temp.staged_event) AS named
        WHERE NOT EXISTS (SELECT FROM behavior_shopper WHERE kind = 'shopper' AND external_id = shopper)
        ORDER BY shopper ON CONFLICT DO NOTHING
    """)
    cursor.execute("""
        SELECT count(DISTINCT product), count(*)
        FROM pg_temp.staged_event JOIN catalog_product ON external_id = product WHERE is_stub
    """)
    health.findings["unknown_products"], health.findings["unknown_product_lines"] = cursor.fetchone()
    cursor.execute("""
        SELECT count(DISTINCT shopper), count(*) FROM pg_temp.staged_event
        JOIN behavior_shopper ON kind = 'shopper' AND external_id = shopper WHERE is_stub
    """)
    health.findings["unknown_shoppers"], health.findings["unknown_shopper_lines"] = cursor.fetchone()
