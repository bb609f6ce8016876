"""The rule editor's form: every field with what stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recommender import state
from recommender.compiled_rules import STRENGTHS
from recommender.conditions import SEPARATOR
from recsite.dashboard import rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Option, SearchBox, Select
from recsite.dashboard.pages.rule_entries import default_name
from recsite.dashboard.pages.rule_scene import Scene
from recsite.dashboard.queries import shoppers as shopper_queries
from recsite.dashboard.rule_forms import LISTS, NUMBERS, OWN, AttributeText, RuleForm
from recsite.dashboard.rule_spans import Span, spans
from recsite.dashboard.rule_words import DAYS, VERB_WORDS

_SEARCHES = {  # list of the form: (name of the box's field, label, placeholder)
    "products": ("add_product", "Products", "Find by name or №"),
    "categories": ("add_category", "Categories, with all below", "Find a category"),
    "brands": ("add_brand", "Brands", "Find a brand"),
    "tags": ("add_tag", "Tags", "Find a tag"),
}
_HINTS = {
    "pin": "Stands at one place of the list. Of several products the best that may be shown.",
    "boost": "Moves up: × 2 lifts a score by as much as the scores of a list usually differ.",
    "bury": "Moves down, without leaving.",
    "exclude": "Is never shown. Wins over every pin.",
    "only": "Nothing else is shown.",
    "spread": "At most so many of one brand or category; the best stay.",
}


@dataclass(frozen=True)
class Chosen:
    """A value of a list, with a box to take it off."""

    value: str
    text: str


@dataclass(frozen=True)
class ListField:
    """Products, categories, brands or tags: those chosen, and a search for more."""

    name: str
    label: str
    chosen: Sequence[Chosen]
    search: SearchBox
    error: str = ""


@dataclass(frozen=True)
class NumberPair:
    """Two fields for a range: from and to."""

    label: str
    low: str
    low_value: str
    high: str
    high_value: str
    error: str = ""


@dataclass(frozen=True)
class Check:
    value: str
    label: str
    checked: bool
    icon: str = ""


@dataclass(frozen=True)
class Fields:
    """The left card, ready to draw."""

    name: str
    name_hint: str
    verbs: Sequence[Check]
    verb_hints: Sequence[tuple[str, str]]
    lists: Sequence[ListField]
    ranges: Sequence[NumberPair]
    attributes: Sequence[AttributeText]
    attribute_names: Sequence[str]
    position: str
    strength: Select
    factor: str
    limit: str
    by: Select
    placements: Sequence[Check]
    segments: Sequence[Check]
    starts_at: str
    ends_at: str
    zone: str
    spans: Sequence[Span]
    weekdays: Sequence[Check]
    opens: str
    closes: str
    hours_zone: Select | None
    priority: str
    priority_hint: str
    note: str
    seen: int
    more_open: bool
    hours_open: bool


def fields_of(scene: Scene, errors: Mapping[str, str]) -> Fields:
    """The form as it was sent or stands stored, each field with its fault from ``errors`` (by field)."""
    form = scene.form
    shelf = state.current().catalogue.shelf
    known = sorted({*shelf.attributes, *shelf.numbers})
    return Fields(
        name=form.name,
        name_hint=default_name(scene.wording, scene.shop) if not form.name else "",
        verbs=[Check(verb, words, verb == form.verb, verb) for verb, words in VERB_WORDS.items()],
        verb_hints=list(_HINTS.items()),
        lists=[_list_field(name, scene, errors) for name in LISTS],
        ranges=_ranges(form, scene.names.currency, errors),
        attributes=[*form.attributes, AttributeText()],
        attribute_names=known,
        position=form.position,
        strength=_strengths(form),
        factor=form.factor,
        limit=form.limit,
        by=_spreads(form, known),
        placements=[
            Check(slug, scene.names.placement(slug), slug in form.placements)
            for slug in dict.fromkeys([*scene.sizes, *form.placements])
        ],
        segments=[
            Check(name, name.capitalize(), name in form.segments)
            for name in dict.fromkeys([*(name for name, _ in shopper_queries.segments()), *form.segments])
        ],
        starts_at=form.starts_at,
        ends_at=form.ends_at,
        zone=str(scene.shop.zone),
        spans=spans(scene.shop.day_of(scene.now)),
        weekdays=[Check(str(day), name[:2], str(day) in form.weekdays) for day, name in enumerate(DAYS)],
        opens=form.opens,
        closes=form.closes,
        hours_zone=_clocks(form.hours_zone, str(scene.shop.zone)),
        priority=form.priority,
        priority_hint=_place(scene),
        note=form.note,
        seen=form.seen,
        more_open=bool(form.numbers or form.attributes or form.tags or form.brands or form.categories)
        or form.verb not in ("pin", "exclude"),
        hours_open=bool(form.weekdays or form.opens or form.closes),
    )


def _list_field(name: str, scene: Scene, errors: Mapping[str, str]) -> ListField:
    field_name, label, placeholder = _SEARCHES[name]
    url = page("search", kinds="products") if name == "products" else page("rule-terms", of=name)
    words = scene.names.product if name == "products" else (lambda value: value.replace(SEPARATOR, " › "))
    chosen = [Chosen(value, words(value)) for value in getattr(scene.form, name)]
    search = SearchBox(f"rule-{name}", label, url, placeholder, name=field_name)
    return ListField(name, label, chosen, search, errors.get(name, ""))


def _ranges(form: RuleForm, currency: str, errors: Mapping[str, str]) -> list[NumberPair]:
    labels = {"price": f"Price ({currency})", "stock": "Stock", "age": "Days since added"}
    found = []
    for low, high in zip(list(NUMBERS)[::2], list(NUMBERS)[1::2], strict=True):
        error = errors.get(low, "") or errors.get(high, "")
        values = form.numbers.get(low, ""), form.numbers.get(high, "")
        found.append(NumberPair(labels[low.split("_")[0]], low, values[0], high, values[1], error))
    return found


def _strengths(form: RuleForm) -> Select:
    sign = -1 if form.verb == "bury" else 1
    options = [
        Option(name, f"{name.capitalize()} (× {factor**sign:g})", name == form.strength)
        for name, factor in STRENGTHS.items()
    ]
    return Select("strength", "How strongly", [*options, Option(OWN, "By a factor of my own", form.strength == OWN)])


def _spreads(form: RuleForm, attributes: Iterable[str]) -> Select:
    named = {"brand": "brand", "category:1": "top category", "category": "category"}
    named |= {name: name.replace("_", " ") for name in attributes if name not in named}
    named.setdefault(form.by, form.by.replace(":", ", level "))
    return Select("by", "of one", [Option(key, text, key == form.by) for key, text in named.items()])


def _clocks(written: str, shops: str) -> Select | None:
    """Which clock days and hours go by: asked only where they were written for another than the shop's."""
    if not written or written == shops:
        return None
    options = [Option(written, f"{written}, as it was written", True), Option("", f"{shops}, the shop’s")]
    return Select("hours_zone", "Days and hours of", options)


def _place(scene: Scene) -> str:
    """``1 runs first. Now 4 of 10, 1 of 2 in its step``, among what is live or a draft."""
    me = (rule_words.order_of(scene.wording.verb) if scene.wording.verb in VERB_WORDS else 0, scene.wording.priority)
    everyone = [(rule_words.order_of(str(row.verb)), row.priority, row.pk) for row in scene.others]
    key = (*me, scene.pk)
    before = sum(other < key for other in everyone)
    same = [other for other in everyone if other[0] == me[0]]
    rank = sum(other < key for other in same)
    return f"1 runs first. Now {before + 1} of {len(everyone) + 1}, {rank + 1} of {len(same) + 1} in its step."
