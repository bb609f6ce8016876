"""What every block of a shopper's page reads: their events, folded, and the products that the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from behavior.models import Shopper
from catalog.models import Product
from recsite.dashboard import departments, habits
from recsite.dashboard.habits import Habits, ProductRhythm, Share, Visit
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import shoppers as queries
from recsite.dashboard.queries.products import Kind
from recsite.dashboard.queries.shoppers import Line
from recsite.dashboard.shop import Shop

ENTRIES, ALL_ENTRIES = 6, 100
TILES = 6
UNKNOWN = Kind("", "", "")


@dataclass(frozen=True)
class Scene:
    """``departments``: shares of all lines with their hues beside. ``visits``: of the kind that the timeline shows,
    newest first; ``entries`` of them are drawn. ``products``: those that any block draws."""

    shopper: Shopper
    params: Mapping[str, str]
    shop: Shop
    habits: Habits
    kinds: Mapping[int, Kind]
    departments: Sequence[Share]
    hues: Mapping[str, int]
    rhythms: Sequence[ProductRhythm]
    visits: Sequence[Visit]
    entries: int
    products: Mapping[int, Product]
    today: date

    @property
    def measure(self) -> str:
        """``spend`` or ``lines``: what the page measures by."""
        return "lines" if self.params.get("by") == "lines" or not self.habits.spend else "spend"


def read(shopper: Shopper, params: Mapping[str, str], shop: Shop, *, newest: datetime) -> Scene:
    """Three queries: the events; what kind of thing each of their products is; whole products, but only of those that
    are drawn: a year's shopping names thousands."""
    lines = queries.lines_of(shopper.pk)
    day_of = cache(shop.day_of)  # the events of a basket share their time
    kinds = product_queries.kinds_of({line.product_id for line in lines if line.product_id is not None})
    folded = habits.fold(lines, day_of)
    departments, hues = _departments(folded.lines, kinds)
    rhythms = habits.rhythms(folded.lines, day_of)
    visits = habits.visits([line for line in lines if _is_kind(line, params.get("kind", ""))], day_of)
    entries = ALL_ENTRIES if params.get("timeline") == "all" else ENTRIES
    drawn = {one.product_id for one in rhythms} | {share.most for share in departments}
    drawn |= {key for visit in visits[:entries] for key in products_of(visit)[:TILES]}
    products = product_queries.by_ids(drawn)
    return Scene(
        shopper, params, shop, folded, kinds, departments, hues, rhythms, visits, entries, products, day_of(newest)
    )


def products_of(visit: Visit) -> list[int]:
    """The products of a visit, each once, in the order of its lines."""
    return list(dict.fromkeys(line.product_id for line in visit.lines if line.product_id is not None))


def _is_kind(line: Line, kind: str) -> bool:
    if kind == "purchases":
        return line.type == habits.PURCHASE
    return not kind or line.type not in {habits.PURCHASE, "impression"}


def _departments(lines: Sequence[Line], kinds: Mapping[int, Kind]) -> tuple[list[Share], dict[str, int]]:
    hues: dict[str, int] = {}

    @cache  # a product is bought again and again
    def department(product_id: int) -> str:
        kind = kinds.get(product_id, UNKNOWN)
        name, hue = departments.department(kind.title, kind.category)
        hues.setdefault(name, hue)
        return name

    return habits.shares(lines, department), hues
