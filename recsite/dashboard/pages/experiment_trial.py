"""The two lists of an experiment that is being set up, for one and the same shopper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recommender.models import Placement
from recommender.placements import setup_of
from recsite.dashboard import numbers, preview
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Notice
from recsite.dashboard.experiment_forms import Read
from recsite.dashboard.lists import ListCard, SideBySide, TileCard, TileList, summary, with_moves
from recsite.dashboard.pages import placement_onlooker, placement_trial
from recsite.dashboard.preview import Listing, Wish
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.shop import Shop

COLUMNS = 3


@dataclass(frozen=True)
class Trial:
    """What each arm would be shown. ``reach`` of the filters of B in words."""

    title: str
    both: SideBySide
    notices: Sequence[Notice]
    reach: str
    timing: str


def build(placement: Placement, found: Read, wish: Wish, shop: Shop) -> Trial:
    """The API's answers under both setups; nothing is recorded. Entries that mean no setup leave B as A is."""
    before = setup_of(placement)
    setup = found.setup or before
    # Which product stands beside depends on B's strategy, so the wish has B's.
    wish = replace(wish, placement=Placement(slug=placement.slug, title=placement.title, strategy=setup.strategy))
    serving = preview.serving()
    a = preview.ask(wish, serving, slot=before.slot(placement.slug))
    b = preview.ask(wish, serving, slot=setup.slot(placement.slug))
    known = product_queries.by_external_ids({item.product for one in (a, b) for item in one.items})
    left, right = with_moves(_cards(a, known, shop), _cards(b, known, shop))
    counted = summary([card.key for card in left], [card.key for card in right], None)
    both = SideBySide(_side("A", "As it is", a, left), _side("B", "The other setup", b, right), counted)
    unreadable = (
        [Notice("B is shown without these changes.", " ".join(found.errors.values()), "grey")]
        if found.setup is None and found.errors
        else []
    )
    return Trial(
        title=f"{placement.title} {placement_onlooker.subject(wish)}",
        both=both,
        notices=[*unreadable, *_same(a, b, found), *placement_trial.unknown(setup), *placement_trial.unusual(setup, b)],
        reach=placement_trial.reach(setup),
        timing=f"Same code path as the API · {numbers.milliseconds(a.milliseconds + b.milliseconds)}",
    )


def _cards(listing: Listing, known: dict[str, product_queries.Product], shop: Shop) -> list[TileCard]:
    return [
        preview.card(item, known[item.product], shop, href=page("product", item.product))
        for item in listing.items
        if item.product in known
    ]


def _side(mark: str, title: str, listing: Listing, cards: Sequence[TileCard]) -> ListCard:
    tiles = TileList(cards, f"List {mark}", columns=COLUMNS, strip=True)
    return ListCard(mark, title, "", tiles, empty=preview.why_empty(listing.answer))


def _same(a: Listing, b: Listing, found: Read) -> list[Notice]:
    if found.setup is None or [item.product for item in a.items] != [item.product for item in b.items]:
        return []
    text = "Change something of setup B, or look at another shopper: what differs may not touch this list."
    return [Notice("Both lists are the same.", text, "grey")]
