"""Placements in words: strategies, fallbacks, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.conditions import SEPARATOR
from recsite.dashboard import numbers

#: Each strategy's name and what it goes by.
STRATEGIES = {
    "personal": ("Personal", "what this shopper will want next, by the model that serves"),
    "similar": ("Similar", "what resembles the product on the page"),
    "bought_together": ("Bought together", "what others bought with the product on the page"),
    "basket": ("Basket add-ons", "what goes with the products in the basket"),
    "trending": ("Trending", "what sells more than it used to"),
    "buy_again": ("Buy again", "what this shopper buys again and again"),
    "recently_viewed": ("Recently viewed", "what this shopper looked at last"),
    "popular": ("Best sellers", "what sells most"),
}
#: Each degree of variety: its name and what it does.
VARIETIES = {
    "off": ("Off", "by rank alone"),
    "gentle": ("Gentle", "the third of one category gives way to what is nearly as good"),
    "strong": ("Strong", "few of one category near the top"),
}
_PLURALS = {"category": "categories", "brand": "brands", "tag": "tags"}


def strategy(name: str) -> str:
    """``Personal``; a name that is not known stays as it is."""
    return STRATEGIES.get(name, (name.replace("_", " ").capitalize(), ""))[0]


def order(first: str, fallbacks: Sequence[str]) -> str:
    """``Personal, then Trending, then Best sellers``: best sellers always come last."""
    steps = list(dict.fromkeys([first, *fallbacks, "popular"]))
    return ", then ".join(strategy(name) for name in steps)


def filters(given: Mapping[str, Any], currency: str) -> list[str]:
    """A phrase for each part: ``only in Bakery``, ``$1.00 to $5.00``, ``organic: yes``."""
    phrases = []
    for name in ("category", "brand", "tag"):
        if name in given:
            phrases.append(f"{'only in' if name == 'category' else name} {_listed(given[name])}")
    if "price_min" in given or "price_max" in given:
        phrases.append(_range(given.get("price_min"), given.get("price_max"), lambda value: _price(value, currency)))
    ranges: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        if name in (*_PLURALS, "price_min", "price_max"):
            continue
        if name.endswith(("_min", "_max")):
            ranges.setdefault(name[:-4], {})[name[-3:]] = value
        else:
            phrases.append(f"{name.replace('_', ' ')}: {_listed(value)}")
    phrases += [
        f"{name.replace('_', ' ')} {_range(bounds.get('min'), bounds.get('max'), str)}"
        for name, bounds in ranges.items()
    ]
    return phrases


def _listed(value: Any) -> str:
    values = value if isinstance(value, list | tuple) else [value]
    return " or ".join(str(one).replace(SEPARATOR, " › ") for one in values)


def _range(low: Any, high: Any, write: Any) -> str:
    if low is None:
        return f"up to {write(high)}"
    return f"from {write(low)}" if high is None else f"{write(low)} to {write(high)}"


def _price(value: Any, currency: str) -> str:
    try:
        return numbers.price(float(value), currency)
    except (TypeError, ValueError):
        return str(value)


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, currency: str) -> list[str]:
    """What a change changed, a line for each field."""
    if before is None or after is None:
        return []
    return [
        f"{label}: {_field(name, before, currency)} → {_field(name, after, currency)}"
        for name, label in _LABELS.items()
        if before.get(name) != after.get(name)
    ]


def parts(values: Mapping[str, Any], currency: str) -> dict[str, str]:
    """Everything that is set of a placement: its label and its value in words."""
    return {label: _field(name, values, currency) for name, label in _LABELS.items()}


_LABELS = {
    "title": "Title",
    "strategy": "Strategy",
    "n": "Products",
    "fallbacks": "Fallbacks",
    "diversity": "Variety",
    "filters": "Filters",
    "is_active": "State",
}


def _field(name: str, values: Mapping[str, Any], currency: str) -> str:
    value = values.get(name)
    if name == "strategy":
        return strategy(str(value))
    if name == "fallbacks":
        return ", then ".join(strategy(one) for one in value or ()) or "none"
    if name == "diversity":
        return VARIETIES.get(str(value or "off"), (str(value), ""))[0]
    if name == "filters":
        return ", ".join(filters(value or {}, currency)) or "none"
    return ("on" if value else "off") if name == "is_active" else str(value)
