"""The lists of two runs beside each other, for shoppers from those least alike to those most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from behavior.models import Shopper
from catalog.models import Product
from recommender import comparing
from recommender.comparing import ListPair, Overlap
from recommender.models import TrainingRun
from recsite.dashboard import numbers
from recsite.dashboard.addresses import changed, linked, page, product_url, shopper_url
from recsite.dashboard.components import Action, Nothing, Segment, Segments, Stat, StatStrip
from recsite.dashboard.kept import Kept
from recsite.dashboard.lists import ListCard, SideBySide, TileCard, TileList, summary, with_moves
from recsite.dashboard.measures import Z
from recsite.dashboard.names import display_name
from recsite.dashboard.queries import products as products_of
from recsite.dashboard.tiles import tile_of

_OVERLAP: Kept[Overlap | None] = Kept("list overlap", seconds=600)
_PLACES = {0.0: "Least alike", 0.25: "Less", 0.5: "In the middle", 0.75: "More", 1.0: "Most alike"}


@dataclass(frozen=True)
class ListsPart:
    """``nothing`` where one's lists are no longer kept."""

    nothing: Nothing | None
    stats: StatStrip | None = None
    choice: Segments | None = None
    shopper: str = ""
    both: SideBySide | None = None
    actions: Sequence[Action] = ()


def build(a: TrainingRun, b: TrainingRun, keys: Sequence[str], params: Mapping[str, str]) -> ListsPart:
    """``keys``: the settings of both in Preview, empty where one's lists are gone."""
    found = _OVERLAP.get(lambda: comparing.overlap(a, b), (a.pk, b.pk, *keys))
    if found is None:
        return ListsPart(
            Nothing(
                "Their lists cannot be compared",
                "The stored lists of at least one are no longer kept, or no shopper has a list of both.",
            )
        )
    pair = next((one for one in found.shown if f"{one.at:g}" == params.get("list")), _middle(found.shown))
    kind = Shopper.Kind.VISITOR if pair.subject.startswith("v:") else Shopper.Kind.SHOPPER
    shopper = Shopper.objects.filter(kind=kind, external_id=pair.subject[2:]).first()
    return ListsPart(
        nothing=None,
        stats=_stats(found),
        choice=_choice(found.shown, pair, params),
        shopper=f"{kind.label} {pair.subject[2:]}",
        both=_both(a, b, pair, products_of.by_ids({*pair.left, *pair.right})),
        actions=_actions(shopper, keys),
    )


def _middle(shown: Sequence[ListPair]) -> ListPair:
    return min(shown, key=lambda pair: abs(pair.at - 0.5))


def _stats(found: Overlap) -> StatStrip:
    bounds = f"± {numbers.points(Z * found.se)}" if found.se == found.se else ""
    (shared, unit), (same, _) = (_parted(share) for share in (found.share, found.same))
    moved = f"{found.moved:.1f}" if found.moved is not None else numbers.NONE
    return StatStrip(
        [
            Stat("In both lists of ten", shared, unit, note=bounds),
            Stat("Those in both move by", moved, "places", note="on average"),
            Stat("The very same list", same, unit, note="of the shoppers, order too"),
            Stat("Shoppers", numbers.count(found.shoppers), note="drawn from those with a list of both"),
        ],
        "How far their lists agree",
    )


def _parted(share: float) -> tuple[str, str]:
    """The figure and its small unit."""
    value, _, unit = numbers.percent(share, 1).partition(numbers.THIN)
    return value, unit


def _choice(shown: Sequence[ListPair], chosen: ListPair, params: Mapping[str, str]) -> Segments:
    items = [
        Segment(
            f"{_PLACES.get(pair.at, '')} · {round(pair.share * 100)}{numbers.THIN}%",
            changed(params, list=f"{pair.at:g}") + "#lists",
            pair == chosen,
        )
        for pair in shown
    ]
    return Segments("Whose lists", items)


def _both(a: TrainingRun, b: TrainingRun, pair: ListPair, products: Mapping[int, Product]) -> SideBySide:
    left, right = with_moves(_cards(pair.left, products), _cards(pair.right, products))
    counted = summary([card.key for card in left], [card.key for card in right], None)
    return SideBySide(
        ListCard("A", f"Model {a.pk}", "", TileList(left, f"Of model {a.pk}", strip=True)),
        ListCard("B", f"Model {b.pk}", "", TileList(right, f"Of model {b.pk}", strip=True)),
        counted,
    )


def _cards(ids: Sequence[int], products: Mapping[int, Product]) -> list[TileCard]:
    """A product that was deleted since keeps its place free."""
    return [
        TileCard(
            tile_of(products[pk]),
            display_name(products[pk]),
            product_url(products[pk]),
            rank=rank,
            key=products[pk].external_id,
            brand=products[pk].brand,
        )
        for rank, pk in enumerate(ids, 1)
        if pk in products
    ]


def _actions(shopper: Shopper | None, keys: Sequence[str]) -> list[Action]:
    if shopper is None:
        return []
    actions = [Action("The shopper", shopper_url(shopper), "quiet", small=True)]
    if len(keys) == 2 and all(keys):
        who = {str(shopper.kind): shopper.external_id}
        preview = page("preview", a=keys[0], b=keys[1], **who)
        actions.insert(0, Action("Both in Preview, with reasons and rules", preview, small=True))
    return linked(*actions)
