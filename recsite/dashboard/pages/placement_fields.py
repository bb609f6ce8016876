"""The fields of a placement's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender import state
from recommender.conditions import SEPARATOR, Shelf
from recommender.placements import MOST
from recsite.dashboard.components import Checks, Field, Option, Select
from recsite.dashboard.pages import rule_terms
from recsite.dashboard.placement_forms import ATTRIBUTES, FALLBACKS, LISTS, Attribute, Entries
from recsite.dashboard.placement_words import STRATEGIES, VARIETIES

SUGGESTED = 200  # words offered as one types
_KINDS = {"category": "categories", "brand": "brands", "tag": "tags"}
_PLACES = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")


@dataclass(frozen=True)
class ListInput:
    """Any of several texts: what was entered and one empty field; ``suggestions`` as one types."""

    name: str
    label: str
    values: Sequence[str]
    suggestions: Sequence[str]


@dataclass(frozen=True)
class Fields:
    """The form, ready to draw; ``slug`` None where it cannot be changed any more."""

    title: Field
    slug: Field | None
    strategy: Select
    n: Field
    active: Checks
    fallbacks: Sequence[Select]
    diversity: Select
    lists: Sequence[ListInput]
    prices: Sequence[Field]
    attributes: Sequence[Attribute]
    attribute_names: Sequence[str]
    errors: Mapping[str, str]


def build(typed: Entries, errors: Mapping[str, str], *, is_new: bool, currency: str) -> Fields:
    """The fields with what was typed and, at each, what is wrong with it."""
    shelf = _shelf()
    return Fields(
        title=Field(
            "title", "Title", typed.title, required=True, error=errors.get("title", ""), limits={"maxlength": "120"}
        ),
        slug=_slug(typed, errors) if is_new else None,
        strategy=_strategy(typed),
        n=Field(
            "n", "Products", typed.n, "number", required=True, error=errors.get("n", ""),
            limits={"min": "1", "max": str(MOST)},
        ),
        active=Checks(
            "is_active", "State", [Option("on", "On: the API answers", typed.is_active)],
            error=errors.get("is_active", ""),
        ),
        fallbacks=_fallbacks(typed),
        diversity=_diversity(typed),
        lists=_lists(typed),
        prices=_prices(typed, currency),
        attributes=_padded(typed.attributes),
        attribute_names=sorted({*shelf.attributes, *shelf.numbers}),
        errors=errors,
    )  # fmt: skip


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


def _prices(typed: Entries, currency: str) -> list[Field]:
    return [
        Field("price_min", f"Lowest price ({currency})", typed.price_min, limits={"inputmode": "decimal"}),
        Field("price_max", "Highest price", typed.price_max, limits={"inputmode": "decimal"}),
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
