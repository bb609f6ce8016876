"""Products from a file. ``import_products`` is the whole of it; the class says what is particular to products."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from django.db.backends.utils import CursorWrapper

from catalog.attributes import attribute_objects
from catalog.cells import Cells
from catalog.health import HealthCount
from catalog.import_journal import Journal, Report
from catalog.import_row import Outcome, Stored
from catalog.import_run import run_import
from catalog.models import Import
from catalog.paths import MAX_PATH, tidy_path
from catalog.services import ensure_categories
from catalog.tabular import Columns
from catalog.upserts import Target, drop_repeated, upsert

MAX_PRICE = 9_999_999_999.0
MAX_TAGS = 50
#: Addresses that a page may show; another scheme (or none) is no picture, and no reason to refuse a product.
IMAGE_URL = "^https?://[^ ]{3,990}$"


class Products:
    """The columns of a products file and where they go."""

    name = Import.Kind.PRODUCTS.value
    required = ("product_id",)
    known = (
        "product_id", "title", "category", "brand", "price", "currency", "stock", "tags", "description", "image_url",
        "rating", "rating_count", "hidden",
    )  # fmt: skip
    staged_name = "staged_product"
    staging = """
        CREATE TEMP TABLE staged_product (
            line bigint, product_id text, title text, category text, brand text, price double precision,
            currency text, stock bigint, tags text, description text, image_url text, rating double precision,
            rating_count bigint, hidden boolean, attributes jsonb
        ) ON COMMIT DROP
    """
    #: SQL of the stored value by file column: (table column, expression).
    values = {
        "title": ("title", "coalesce(staged.title, '')"),
        "category": ("category_id", "category.id"),
        "brand": ("brand", "coalesce(staged.brand, '')"),
        "price": ("price", "staged.price::numeric(14, 4)"),
        "currency": ("currency", "coalesce(staged.currency, '')"),
        "stock": ("stock", "staged.stock::integer"),
        "tags": ("tags", "coalesce(string_to_array(staged.tags, '|'), '{}')::varchar(100)[]"),
        "description": ("description", "coalesce(staged.description, '')"),
        "image_url": ("image_url", "coalesce(staged.image_url, '')"),
        "rating": ("rating", "staged.rating"),
        "rating_count": ("rating_count", "staged.rating_count::integer"),
        "hidden": ("hidden", "coalesce(staged.hidden, false)"),
    }
    #: Whether a product is hidden is the merchandiser's to say too: an empty cell leaves it as it is.
    changed = {"hidden": "coalesce(staged.hidden, old.hidden)"}
    defaults = {
        "title": "''", "brand": "''", "currency": "''", "tags": "'{}'", "description": "''", "image_url": "''",
        "hidden": "false",
    }  # fmt: skip

    def typed(self, cells: Cells, columns: Columns, health: HealthCount) -> pa.Table:
        category = _categories(cells)
        price = cells.numbers("price", least=0, most=MAX_PRICE)
        hidden = cells.booleans("hidden")
        urls = cells.text("image_url")
        usable = pc.match_substring_regex(urls, IMAGE_URL, ignore_case=True)
        table = {
            "line": pa.array(cells.chunk.lines),
            "product_id": cells.identity("product_id"),
            "title": cells.text("title", max_length=500),
            "category": category,
            "brand": cells.text("brand", max_length=200),
            "price": price,
            "currency": _currency(cells),
            "stock": cells.whole_numbers("stock"),
            "tags": _tags(cells),
            "description": cells.text("description"),
            "image_url": pc.if_else(usable, urls, None),
            "rating": cells.numbers("rating"),
            "rating_count": cells.whole_numbers("rating_count"),
            "hidden": hidden,
            "attributes": attribute_objects(cells, columns.unknown),
        }
        health.findings["without_category"] += cells.count(pc.is_null(category))
        health.findings["without_price"] += cells.count(pc.is_null(price))
        health.findings["hidden_products"] += cells.count(hidden)
        health.findings["unusable_image_urls"] += cells.count(pc.invert(usable))
        return pa.table(table)

    def store(self, cursor: CursorWrapper, columns: Columns, health: HealthCount, journal: Journal) -> Stored:
        repeated = drop_repeated(cursor, self.staged_name, "product_id")
        health.findings["repeated_ids"] += repeated
        if "category" in columns.known:
            cursor.execute("SELECT DISTINCT category FROM pg_temp.staged_product WHERE category IS NOT NULL")
            ensure_categories(path for (path,) in cursor.fetchall())
        journal.stored(0.2)
        target = Target(
            table="catalog_product",
            staged=self.staged_name,
            identity="product_id",
            values=dict(self.values[name] for name in columns.known if name in self.values),
            defaults=self.defaults,
            changed=self.changed,
            joins="LEFT JOIN catalog_category AS category ON category.path = staged.category",
        )
        done = upsert(cursor, target, columns.unknown)
        return Stored(done.stored, done.changed, done.duplicate + repeated)

    def tidy(self, cursor: CursorWrapper) -> None:
        cursor.execute("ANALYZE catalog_product")


def _categories(cells: Cells) -> pa.Array:
    """Category paths in one spelling: ``Dairy >Milk`` is ``Dairy > Milk``."""
    column = pc.dictionary_encode(cells.text("category"))
    tidied = [tidy_path(path) for path in column.dictionary.to_pylist()]
    paths = pa.DictionaryArray.from_arrays(column.indices, pa.array(tidied, pa.string())).dictionary_decode()
    long = pc.fill_null(pc.greater(pc.utf8_length(paths), MAX_PATH), False).to_numpy(zero_copy_only=False)
    message = f"expected a category path of at most {MAX_PATH} characters; received "
    cells.refuse(long.nonzero()[0], "too_long", "category", lambda cell: f"{message}{cell!r}")
    return pc.if_else(pc.equal(paths, ""), None, paths)


def _currency(cells: Cells) -> pa.Array:
    codes = pc.utf8_upper(cells.text("currency"))
    other = pc.invert(pc.match_substring_regex(codes, "^[A-Z]{3}$"))
    rows = pc.fill_null(other, False).to_numpy(zero_copy_only=False).nonzero()[0]
    cells.refuse(
        rows, "bad_currency", "currency", lambda cell: f"expected three letters such as USD; received {cell!r}"
    )
    return codes


def _tags(cells: Cells) -> pa.Array:
    """Tags joined by ``|``: stripped, each once, in the order of the file."""
    column = pc.dictionary_encode(cells.text("tags"))
    tidied = ["|".join(_tag_list(tags)) for tags in column.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(column.indices, pa.array(tidied, pa.string())).dictionary_decode()


def _tag_list(tags: str) -> list[str]:
    stripped = (tag.strip()[:100] for tag in tags.split("|"))
    return list(dict.fromkeys(tag for tag in stripped if tag))[:MAX_TAGS]


def import_products(
    path: Path,
    *,
    allow_rejects: bool = False,
    source: str = "import",
    report: Report | None = None,
    row: Import | None = None,
) -> Outcome:
    """Import a products file (CSV or Parquet); see :func:`catalog.import_run.run_import` for what it raises."""
    return run_import(path, Products(), allow_rejects=allow_rejects, source=source, report=report, row=row)
