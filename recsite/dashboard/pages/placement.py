"""One placement, or a new one: its form beside the list that it would make, and what was changed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.http import QueryDict
from django.utils import timezone

from recommender import state
from recommender.conditions import SEPARATOR, Condition, Shelf
from recommender.models import Placement
from recommender.placements import MOST, Setup, setup_of
from recsite.dashboard import numbers, placement_acts, placement_words, preview, readiness, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Checks,
    Crumb,
    Field,
    Notice,
    Option,
    PageHeader,
    SearchBox,
    Select,
)
from recsite.dashboard.lists import TileCard, TileList, moves
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.names import full_name
from recsite.dashboard.pages import placements as list_page
from recsite.dashboard.pages import rule_terms
from recsite.dashboard.pages.placements import Figure, Ready
from recsite.dashboard.placement_forms import (
    ATTRIBUTES,
    FALLBACKS,
    LISTS,
    Attribute,
    Entries,
    Read,
    entries_of,
)
from recsite.dashboard.placement_words import STRATEGIES, VARIETIES
from recsite.dashboard.preview import Listing, Wish
from recsite.dashboard.queries import placements as queries
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.shop import Shop

SUGGESTED = 200  # words offered as one types
CHANGES = 10  # of the history
_KINDS = {"category": "categories", "brand": "brands", "tag": "tags"}


@dataclass(frozen=True)
class ListInput:
    """Any of several texts: what was entered and one empty field; ``suggestions`` as one types."""

    name: str
    label: str
    values: Sequence[str]
    suggestions: Sequence[str]


@dataclass(frozen=True)
class Trial:
    """The list with the form's entries in force, beside the list as it is; ``reach`` of its filters in words."""

    title: str
    tiles: TileList | None
    empty: str
    leaves: str
    timing: str
    reach: str
    notices: Sequence[Notice]
    ready: Ready | None


@dataclass(frozen=True)
class Change:
    """One line of the history."""

    when: str
    who: str
    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class PlacementPage:
    """The form with its errors, the trial, figures and history. ``can_edit`` False: the form is for reading."""

    header: PageHeader
    is_new: bool
    can_edit: bool
    action_url: str
    seen: str
    title: Field
    slug: Field | None
    strategy: Select
    n: Field
    fallbacks: Sequence[Select]
    diversity: Select
    lists: Sequence[ListInput]
    prices: Sequence[Field]
    attributes: Sequence[Attribute]
    attribute_names: Sequence[str]
    active: Checks
    errors: Mapping[str, str]
    shopper: SearchBox
    anchor: SearchBox
    trial: Trial
    figures: Sequence[Figure]
    figures_note: str
    simulated: Badge | None
    rules: str
    rules_href: str
    history: Sequence[Change]
    notices: Sequence[Notice]


def entries(placement: Placement) -> Entries:
    """The form of a placement as it is."""
    return entries_of(setup_of(placement), slug=placement.slug, seen=placement.updated_at.isoformat())


def read_trial(data: QueryDict) -> dict[str, str]:
    """Whose list the trial shows, as the preview page names it."""
    return {name.removeprefix("preview_"): data.get(name, "") for name in data if name.startswith("preview_")}


def build(
    placement: Placement | None,
    found: Read,
    onlooker: Mapping[str, str],
    shop: Shop,
    *,
    permissions: frozenset[str],
    notices: Sequence[Notice] = (),
    tried: bool = False,
) -> PlacementPage:
    """``placement`` None: a new one. ``tried``: it was to be saved, so that errors stand at their fields."""
    typed, errors = found.entries, found.errors if tried else {}
    may_edit = roles.EDIT_PLACEMENTS in permissions
    wish, told = list_page.read_onlooker(onlooker, shop)
    results = list_page.results()
    came = results.rows.get(placement.slug) if placement else None
    rules = queries.of_placement(queries.live_rules(), placement.slug) if placement else ()
    return PlacementPage(
        header=_header(placement, wish, may_edit),
        is_new=placement is None,
        can_edit=may_edit,
        action_url=page("placement", placement.slug) if placement else page("placement-new"),
        seen=typed.seen,
        title=Field("title", "Title", typed.title, required=True, error=errors.get("title", ""), limits=_LENGTH),
        slug=None if placement else _slug(typed, errors),
        strategy=_strategy(typed),
        n=Field(
            "n", "Products", typed.n, "number", required=True, error=errors.get("n", ""),
            limits={"min": "1", "max": str(MOST)},
        ),
        fallbacks=_fallbacks(typed),
        diversity=_diversity(typed),
        lists=_lists(typed),
        prices=[
            Field(name, label, getattr(typed, name), limits={"inputmode": "decimal"})
            for name, label in (("price_min", f"Lowest price ({shop.currency})"), ("price_max", "Highest price"))
        ],
        attributes=_padded(typed.attributes),
        attribute_names=sorted({*_shelf().attributes, *_shelf().numbers}),
        active=Checks(
            "is_active", "State", [Option("on", "On: the API answers", typed.is_active)],
            error=errors.get("is_active", ""),
        ),
        errors=errors,
        shopper=list_page.shopper_box(wish.shopper, prefix="preview_", submit=False),
        anchor=list_page.anchor_box(wish, prefix="preview_", submit=False),
        trial=_trial(placement, found, wish, shop),
        figures=list_page.figures(came, shop) if came and came.counts.has_data else (),
        figures_note=results.text,
        simulated=SIMULATED if results.simulated else None,
        rules=list_page.rules_text(rules),
        rules_href=page("rules", placement=placement.slug) if placement else "",
        history=_history(placement, shop) if placement else (),
        notices=[*notices, *told, *_summary(errors)],
    )  # fmt: skip


_LENGTH = {"maxlength": "120"}


def _header(placement: Placement | None, wish: Wish, may_edit: bool) -> PageHeader:
    crumbs = [Crumb("Placements", page("placements"))]
    if placement is None:
        return PageHeader("New placement", "A slot of the shop under a name of its own.", crumbs=crumbs)
    seen = replace(wish, placement=placement)
    actions = [
        Action("Preview", list_page.preview_href(seen) if placement.is_active else ""),
        Action("Feedback", page("feedback", placement=placement.slug)),
        Action("Add a rule", page("rule-new", placement=placement.slug) if may_edit else ""),
    ]
    if may_edit and not placement.is_builtin:
        actions.append(Action("Delete", page("placement-delete", placement.slug), "danger", post=True))
    return PageHeader(
        placement.title,
        f"{placement.slug} in the API · {'built in' if placement.is_builtin else 'your own'}",
        actions=linked(*actions),
        badge=None if placement.is_active else Badge("off", "warn"),
        crumbs=crumbs,
    )


def _summary(errors: Mapping[str, str]) -> list[Notice]:
    if not errors:
        return []
    return [Notice("Nothing was saved.", " ".join(errors.values()), "bad")]


# --- The form ----------------------------------------------------------------------------------------------------


def _slug(typed: Entries, errors: Mapping[str, str]) -> Field:
    return Field(
        "slug", "Name in the API", typed.slug, required=True, error=errors.get("slug", ""),
        hint="Small letters, digits and hyphens. The shop asks for lists by it; it cannot be changed later.",
        limits={"maxlength": "64", "pattern": "[a-z0-9]+(-[a-z0-9]+)*"},
    )  # fmt: skip


def _strategy(typed: Entries) -> Select:
    options = [Option(key, f"{name}: {does}", key == typed.strategy) for key, (name, does) in STRATEGIES.items()]
    return Select("strategy", "What fills it", options)


def _diversity(typed: Entries) -> Select:
    options = [Option(key, f"{name}: {does}", key == typed.diversity) for key, (name, does) in VARIETIES.items()]
    return Select("diversity", "Variety of categories", options, hint="After the rules: pins keep their places.")


def _fallbacks(typed: Entries) -> list[Select]:
    """As many fields as there may be; best sellers end every list in any case."""
    wanted = min(len(_PLACES), max(FALLBACKS, len(typed.fallbacks)))
    chosen = [*typed.fallbacks, *[""] * (wanted - len(typed.fallbacks))]
    return [_fallback(place, name) for place, name in enumerate(chosen[:wanted], 1)]


_PLACES = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")


def _fallback(place: int, chosen: str) -> Select:
    options = [Option("", "nothing more", not chosen)]
    options += [Option(key, name, key == chosen) for key, (name, _) in STRATEGIES.items()]
    return Select("fallback", f"{_PLACES[place - 1]} fallback", options)


def _lists(typed: Entries) -> list[ListInput]:
    return [
        ListInput(name, label, [value.replace(SEPARATOR, " › ") for value in (*typed.listed(name), "")], _words(name))
        for name, label in LISTS.items()
        if name != "tag" or typed.listed(name) or _words(name)
    ]


def _words(name: str) -> list[str]:
    """Those with the most products."""
    if name not in _KINDS:
        return []
    counts = rule_terms.terms(_KINDS[name], _shelf())
    best = sorted(counts, key=lambda label: (-counts[label], label))[:SUGGESTED]
    return [label.replace(SEPARATOR, " › ") for label in best if label]


def _padded(given: Sequence[Attribute]) -> list[Attribute]:
    return [*given, *[Attribute()] * max(1, ATTRIBUTES - len(given))]


def _shelf() -> Shelf:
    return state.current().catalogue.shelf


# --- The trial ---------------------------------------------------------------------------------------------------


def _trial(placement: Placement | None, found: Read, wish: Wish, shop: Shop) -> Trial:
    """The API's answer with the entries in force beside its answer now; nothing is recorded."""
    setup = found.draft or (setup_of(placement) if placement else None)
    if setup is None:
        return _no_trial(found)
    slug = placement.slug if placement else found.entries.slug.strip() or "new"
    row = Placement(slug=slug, title=setup.title, strategy=setup.strategy, n=setup.n)
    wish = replace(wish, placement=row)
    serving = preview.serving()
    trying = preview.ask(wish, serving, slot=setup.slot(slug))
    before = preview.ask(wish, serving, slot=setup_of(placement).slot(slug)) if placement else None
    cards, leaves = _cards(trying, before, shop)
    return Trial(
        title=f"{setup.title or 'The new placement'} {list_page.subject(wish)[0].lower()}{list_page.subject(wish)[1:]}",
        tiles=TileList(cards, "The list with this setup", strip=True) if cards else None,
        empty=preview.why_empty(trying.answer),
        leaves=leaves,
        timing=f"Same code path as the API · {numbers.milliseconds(trying.milliseconds)}"
        + (" · moves compare with the list as it is now" if before else ""),
        reach=_reach(setup),
        notices=[*_invalid(found), *_unknown(setup), *_unusual(setup, trying)],
        ready=list_page.ready_of(readiness.checked().strategies[setup.strategy]),
    )


def _no_trial(found: Read) -> Trial:
    return Trial("Live preview", None, "Shown once the form can be read.", "", "", "", _invalid(found), None)


def _cards(trying: Listing, before: Listing | None, shop: Shop) -> tuple[list[TileCard], str]:
    """Tiles with their moves, and which products leave the list."""
    was = [item.product for item in before.items] if before else []
    known = product_queries.by_external_ids({*was, *(item.product for item in trying.items)})
    shown = [item for item in trying.items if item.product in known]
    cards = [preview.card(item, known[item.product], shop, href=page("product", item.product)) for item in shown]
    now = [card.key for card in cards]
    if before is None or was == now:
        return cards, ""
    marks = moves(was, now)[1]
    gone = [full_name(known[key]) for key in was if key not in now and key in known]
    moved = [replace(card, move=mark) for card, mark in zip(cards, marks, strict=True)]
    return moved, f"Leaves the list: {', '.join(gone)}." if gone else ""


def _reach(setup: Setup) -> str:
    """How many products the filters let through, of those that may be recommended."""
    if not setup.filters:
        return ""
    catalogue = state.current().catalogue
    sellable = np.flatnonzero(catalogue.sellable)
    condition = Condition.from_filter(setup.filters)
    left = int(condition.matches(catalogue.shelf, sellable, at=timezone.now().timestamp()).sum())
    return f"The filters let {numbers.count(left)} of {numbers.plural(len(sellable), 'product')} through."


def _invalid(found: Read) -> list[Notice]:
    if found.draft is not None:
        return []
    return [Notice("The list is shown without these changes.", " ".join(found.errors.values()), "grey")]


def _unknown(setup: Setup) -> list[Notice]:
    """Names in the filters that no product has: mostly a slip of the pen, and the list is short or empty for it."""
    condition, shelf = Condition.from_filter(setup.filters), _shelf()
    named = {"categories": condition.categories, "brands": condition.brands, "tags": condition.tags}
    missing = [value for kind, values in named.items() for value in values if rule_terms.known(kind, value) is None]
    missing += [value for value in condition.products if value not in shelf.index]
    missing += [name for name, _ in condition.attributes if name not in shelf.attributes and name not in shelf.numbers]
    if not missing:
        return []
    listed = " and ".join(f"“{value.replace(SEPARATOR, ' › ')}”" for value in missing)
    return [Notice(f"No product has {listed}.", "Choose from what is offered as one types.", "warn")]


def _unusual(setup: Setup, trying: Listing) -> list[Notice]:
    if trying.failed:
        return [Notice("No list", trying.failed, "warn")]
    if trying.items and len(trying.items) < setup.n:
        text = f"Fewer than the {setup.n} that are asked for: nothing else may stand here."
        return [Notice(f"{numbers.plural(len(trying.items), 'product')} only", text, "warn")]
    if trying.answer.fallback:
        text = f"“{placement_words.strategy(setup.strategy)}” has nothing to go by for this shopper."
        return [Notice(f"From “{placement_words.strategy(trying.answer.fallback)}”", text, "grey")]
    return []


# --- History -----------------------------------------------------------------------------------------------------

_VERBS = {"create": "Set up", "change": "Changed", "undo": "Undone", "delete": "Deleted"}


def _history(placement: Placement, shop: Shop) -> list[Change]:
    return [_change(entry, shop) for entry in placement_acts.history(placement.slug)[:CHANGES]]


def _change(entry: AuditEntry, shop: Shop) -> Change:
    verb = entry.action.rpartition(".")[2]
    lines = placement_words.differences(entry.detail.get("before"), entry.detail.get("after"), shop.currency)
    return Change(numbers.moment(entry.at), entry.by_name, _VERBS.get(verb, verb.capitalize()), lines)
