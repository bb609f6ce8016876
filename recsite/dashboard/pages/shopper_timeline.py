"""What a shopper did, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils import timezone

from recommender.models import Placement
from recsite.dashboard import habits, numbers
from recsite.dashboard.addresses import changed
from recsite.dashboard.components import SIMULATED, Segment, Segments
from recsite.dashboard.evidence import Timeline, TimelineEntry
from recsite.dashboard.habits import Visit
from recsite.dashboard.pages.shopper_scene import ENTRIES, TILES, Scene, products_of
from recsite.dashboard.tiles import tile_of

KINDS = {"": "All", "purchases": "Purchases", "clicks": "Clicks and views"}
_DID = {
    "view": "Viewed",
    "click": "Clicked",
    "cart": "Put in the basket:",
    "favourite": "Marked as favourite:",
    "rate": "Rated",
    "dismiss": "Dismissed",
}


def timeline(scene: Scene) -> Timeline:
    found, limit = scene.visits, scene.entries
    placed = any(line.placement for visit in found[:limit] for line in visit.lines)
    titles = dict(Placement.objects.values_list("slug", "title")) if placed else {}
    more = len(found) - limit
    return Timeline(
        [_entry(scene, visit, titles) for visit in found[:limit]],
        more=f"{numbers.plural(more, 'earlier visit')}" if more > 0 else "",
        more_href=changed(scene.params, timeline="all") if more > 0 and limit == ENTRIES else "",
        none="Nothing of this kind has happened yet.",
    )


def _entry(scene: Scene, visit: Visit, titles: Mapping[str, str]) -> TimelineEntry:
    local = timezone.localtime(visit.at)
    ids = products_of(visit)
    shown = [tile_of(scene.products[key], size="s", alone=True) for key in ids[:TILES] if key in scene.products]
    simulated = all(line.source == "simulator" for line in visit.lines)
    places = sorted({titles.get(line.placement, line.placement) for line in visit.lines if line.placement})
    return TimelineEntry(
        day=numbers.day(visit.day, year=visit.day.year != scene.today.year) if visit.is_timed else "no time",
        time=f"{local:%H:%M}" if visit.is_timed else "",
        title=_title(visit, places),
        note="" if visit.type == "impression" or not places else f"from {', '.join(places)}",
        tiles=shown,
        more=max(0, len(ids) - TILES),
        amount=numbers.money(visit.amount, scene.shop.currency)
        if visit.type == habits.PURCHASE and visit.amount
        else "",
        badge=SIMULATED if simulated else None,
    )


def _title(visit: Visit, places: Sequence[str]) -> str:
    size = len(visit.lines)
    if visit.type == habits.PURCHASE:
        return f"Basket, {numbers.plural(size, 'line')}"
    if visit.type == "impression":
        return f"Saw {', '.join(places) or 'a list'}" + (f", {size} times" if size > 1 else "")
    return f"{_DID.get(visit.type, visit.type.capitalize())} {numbers.plural(size, 'product')}"


def kinds(scene: Scene) -> Segments:
    """Which kinds of events the timeline shows."""
    chosen = scene.params.get("kind", "")
    return Segments(
        "Kinds of events",
        [Segment(text, changed(scene.params, kind=key), chosen == key) for key, text in KINDS.items()],
    )
