"""Placements: what each slot of the shop does, what follows when that is not enough, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recommender.feedback import Counts
from recommender.models import Experiment, Placement, Rule
from recsite.dashboard import numbers, placement_words, preview, readiness, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import SIMULATED, Action, Badge, Notice, PageHeader, SearchBox, Stat
from recsite.dashboard.lists import TileCard, TileList
from recsite.dashboard.names import display_name
from recsite.dashboard.pages.placement_onlooker import anchor_box, preview_href, read_onlooker, shopper_box, subject
from recsite.dashboard.pages.placement_results import Ready, Results, figures, ready_of, results
from recsite.dashboard.preview import Listing, Wish
from recsite.dashboard.queries import placements as queries
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.shop import Shop
from recsite.dashboard.tiles import tile_of

TILES = 6


@dataclass(frozen=True)
class SlotRow:
    """One placement. ``figures`` is empty where nothing was shown, then ``unseen`` says so."""

    slug: str
    title: str
    href: str
    badge: Badge | None
    order: str
    about: str
    filters: str
    ready: Ready
    figures: Sequence[Stat]
    unseen: str
    rules: str
    rules_href: str
    tiles: TileList | None
    none: str
    subject: str
    actions: Sequence[Action]


@dataclass(frozen=True)
class PlacementsPage:
    """Whose lists are shown, then one row for each placement."""

    header: PageHeader
    shopper: SearchBox
    anchor: SearchBox
    notices: Sequence[Notice]
    range_text: str
    simulated: Badge | None
    checked: str
    rows: Sequence[SlotRow]


@dataclass(frozen=True)
class Scene:
    """What every row goes by; ``lists`` by slug, ``products`` by their own ids; ``running``: experiments by slug."""

    wish: Wish
    lists: Mapping[str, Listing]
    products: Mapping[str, product_queries.Product]
    rules: Sequence[Rule]
    ready: readiness.Checked
    results: Results
    running: Mapping[str, str]
    shop: Shop
    permissions: frozenset[str]


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> PlacementsPage:
    """About fifteen queries, whatever the number of placements: lists are made without any."""
    wish, notices = read_onlooker(params, shop)
    slots = list(Placement.objects.all())
    scene = _scene(slots, wish, shop, permissions)
    return PlacementsPage(
        header=_header(permissions),
        shopper=shopper_box(wish.shopper),
        anchor=anchor_box(wish),
        notices=notices,
        range_text=scene.results.text,
        simulated=SIMULATED if scene.results.simulated else None,
        checked=f"Readiness checked {numbers.ago(scene.ready.at)}.",
        rows=[_row(slot, scene) for slot in slots],
    )


def _scene(slots: Sequence[Placement], wish: Wish, shop: Shop, permissions: frozenset[str]) -> Scene:
    serving = preview.serving()
    lists = {
        slot.slug: preview.ask(replace(wish, placement=slot), serving, n=TILES) for slot in slots if slot.is_active
    }
    products = product_queries.by_external_ids({item.product for one in lists.values() for item in one.items})
    running = dict(Experiment.objects.filter(status=Experiment.Status.RUNNING).values_list("placement", "slug"))
    rules, ready = queries.live_rules(), readiness.checked()
    return Scene(wish, lists, products, rules, ready, results(), running, shop, permissions)


def _header(permissions: frozenset[str]) -> PageHeader:
    new = page("placement-new") if roles.EDIT_PLACEMENTS in permissions else ""
    return PageHeader(
        "Placements",
        "What does each slot do, and what follows when that is not enough?",
        actions=linked(Action("Experiments", page("experiments")), Action("New placement", new, "primary")),
    )


def _row(slot: Placement, scene: Scene) -> SlotRow:
    came = scene.results.rows.get(slot.slug)
    counts = came.counts if came else Counts()
    rules = queries.of_placement(scene.rules, slot.slug)
    shown = _tiles(scene.lists.get(slot.slug), scene.products, f"{slot.title} now")
    wish = replace(scene.wish, placement=slot)
    return SlotRow(
        slug=slot.slug,
        title=slot.title,
        href=page("placement", slot.slug),
        badge=_badge(slot, scene.running.get(slot.slug)),
        order=placement_words.order(str(slot.strategy), slot.fallbacks),
        about=f"{numbers.plural(slot.n, 'product')} · {slot.slug} in the API",
        filters=", ".join(placement_words.filters(slot.filters, scene.shop.currency)),
        ready=ready_of(scene.ready.strategies[str(slot.strategy)]),
        figures=figures(came, scene.shop) if came and counts.has_data else (),
        unseen="" if counts.has_data else "Served, not seen yet" if counts.served else "Not requested yet",
        rules=rules_text(rules),
        rules_href=page("rules", placement=slot.slug),
        tiles=shown,
        none="No product may stand here. “Preview” says why."
        if slot.is_active
        else "Switched off: the API answers 404.",
        subject=_subject(slot, shown, wish),
        actions=_actions(slot, wish, scene.permissions),
    )


def _badge(slot: Placement, experiment: str | None) -> Badge | None:
    if experiment:
        return Badge("experiment runs", "accent", page("experiment", experiment))
    return None if slot.is_active else Badge("off", "warn")


def rules_text(rules: Sequence[Rule]) -> str:
    """``2 rules: Fruit first, No spirits``."""
    if not rules:
        return "No rule runs here"
    names = ", ".join(rule.name for rule in rules[:2])
    more = f" and {len(rules) - 2} more" if len(rules) > 2 else ""
    return f"{numbers.plural(len(rules), 'rule')}: {names}{more}"


def _tiles(listing: Listing | None, products: Mapping[str, product_queries.Product], label: str) -> TileList | None:
    """The list as small tiles; None where it is empty."""
    items = listing.items if listing else ()
    cards = [
        TileCard(
            tile_of(product),
            display_name(product),
            page("product", item.product),
            key=item.product,
            brand=product.brand,
        )
        for item in items
        if (product := products.get(item.product)) is not None
    ]
    return TileList(cards, label, columns=TILES, strip=True) if cards else None


def _subject(slot: Placement, shown: TileList | None, wish: Wish) -> str:
    """``First 6 of 10, for shopper 2124``; the whole list needs no saying."""
    told = subject(wish)
    if shown is None or slot.n <= len(shown.cards):
        return told[:1].upper() + told[1:]
    return f"First {len(shown.cards)} of {slot.n}, {told}"


def _actions(slot: Placement, wish: Wish, permissions: frozenset[str]) -> list[Action]:
    may_edit = roles.EDIT_PLACEMENTS in permissions
    return linked(
        Action("Preview", preview_href(wish) if slot.is_active else "", "quiet", small=True),
        Action("Feedback", page("feedback", placement=slot.slug), "quiet", small=True),
        Action("Edit" if may_edit else "Open", page("placement", slot.slug), small=True),
    )
