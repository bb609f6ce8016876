"""A placement's form: what was typed, and the setup that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.http import QueryDict

from recommender.conditions import SEPARATOR
from recommender.placements import Refused, Setup, check

#: What a filter names by a list of texts: its key in the API, what a form calls it.
LISTS = {"category": "Category", "brand": "Brand", "tag": "Tag", "product": "Product №"}
PRICES = ("price_min", "price_max")
FALLBACKS = 4  # fields for them; best sellers follow in any case
ATTRIBUTES = 2  # fields at least


@dataclass(frozen=True)
class Attribute:
    """One attribute that products must have: any of ``values`` (with commas between), or a number in a range."""

    name: str = ""
    values: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Entries:
    """Everything as typed, so that nothing is lost when it cannot stand. ``seen``: the version that is edited."""

    title: str = ""
    slug: str = ""
    strategy: str = "personal"
    n: str = "10"
    fallbacks: tuple[str, ...] = ("trending",)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    price_min: str = ""
    price_max: str = ""
    attributes: tuple[Attribute, ...] = ()
    is_active: bool = True
    diversity: str = "off"
    seen: str = ""

    def listed(self, name: str) -> tuple[str, ...]:
        return self.lists.get(name, ())


@dataclass(frozen=True)
class Read:
    """What was posted, and the setup that it means; ``errors`` by field where it means none.

    ``draft``: what can be tried all the same, as long as only its names are amiss.
    """

    entries: Entries
    setup: Setup | None
    errors: Mapping[str, str]
    draft: Setup | None = None

    @property
    def seen(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self.entries.seen)
        except ValueError:
            return None


def entries_of(setup: Setup, *, slug: str = "", seen: str = "") -> Entries:
    """The form of a setup as it is."""
    given = setup.filters
    return Entries(
        title=setup.title,
        slug=slug,
        strategy=setup.strategy,
        n=str(setup.n),
        fallbacks=setup.fallbacks,
        lists={name: _texts(given[name]) for name in LISTS if name in given},
        price_min=_number(given.get("price_min")),
        price_max=_number(given.get("price_max")),
        attributes=_attributes(given),
        is_active=setup.is_active,
        diversity=setup.diversity,
        seen=seen,
    )


def read(posted: QueryDict, *, new: bool) -> Read:
    """Parse and check; the slug only of a ``new`` one."""
    return understood(_entries(posted), new=new)


def understood(entries: Entries, *, new: bool) -> Read:
    """What entries mean."""
    errors: dict[str, str] = {}
    number = entries.n.strip()
    if not number.isdecimal():
        errors["n"] = f"Products: expected a whole number, received “{number}”."
    setup = Setup(
        title=entries.title.strip(),
        strategy=entries.strategy,
        n=int(number[:6]) if number.isdecimal() else 1,
        filters=_filters(entries, errors),
        # What fills the placement adds nothing behind itself: whoever chooses the first fallback to fill it means that.
        fallbacks=tuple(dict.fromkeys(name for name in entries.fallbacks if name not in ("", entries.strategy))),
        is_active=entries.is_active,
        diversity=entries.diversity,
    )
    try:
        check(setup, slug=entries.slug.strip() if new else None)
    except Refused as refused:
        errors = {**refused.errors, **errors}
    return Read(entries, None if errors else setup, errors, setup if set(errors) <= {"title", "slug"} else None)


def with_errors(found: Read, errors: Mapping[str, str]) -> Read:
    return replace(found, setup=None, errors={**found.errors, **errors})


def over(found: Read, seen: datetime) -> Read:
    """The same entries, made on top of what was changed at ``seen``."""
    return replace(found, entries=replace(found.entries, seen=seen.isoformat()))


def _entries(posted: QueryDict) -> Entries:
    columns = [posted.getlist(f"attribute_{part}") for part in ("name", "values", "low", "high")]
    rows = [Attribute(*(text.strip() for text in row)) for row in zip(*columns, strict=False)]
    return Entries(
        title=posted.get("title", ""),
        slug=posted.get("slug", ""),
        strategy=posted.get("strategy", ""),
        n=posted.get("n", ""),
        fallbacks=tuple(posted.getlist("fallback")),
        lists={name: tuple(text.strip() for text in posted.getlist(name) if text.strip()) for name in LISTS},
        price_min=posted.get("price_min", "").strip(),
        price_max=posted.get("price_max", "").strip(),
        attributes=tuple(row for row in rows if row != Attribute()),
        is_active="is_active" in posted,
        diversity=posted.get("diversity", "off"),
        seen=posted.get("seen", ""),
    )


def _filters(entries: Entries, errors: dict[str, str]) -> dict[str, Any]:
    """In the API's ``filter`` form."""
    filters: dict[str, Any] = {
        name: [value.replace(" › ", SEPARATOR) for value in entries.listed(name)]
        for name in LISTS
        if entries.listed(name)
    }
    for name in PRICES:
        _put_number(filters, name, getattr(entries, name), "Price", errors)
    for row in entries.attributes:
        if not row.name or row.name in LISTS or row.name.startswith("price_"):
            given = row.name or row.values or row.low or row.high
            errors["filters"] = f"Attribute: expected the name of an attribute of products, received “{given}”."
            continue
        if row.values:
            filters[row.name] = [value.strip() for value in row.values.split(",") if value.strip()]
        elif not (row.low or row.high):
            errors["filters"] = f"Attribute {row.name}: expected values or a range, received neither."
        _put_number(filters, f"{row.name}_min", row.low, f"Attribute {row.name}", errors)
        _put_number(filters, f"{row.name}_max", row.high, f"Attribute {row.name}", errors)
        if row.values and (row.low or row.high):
            errors["filters"] = f"Attribute {row.name}: expected values or a range, received both."
    return filters


def _put_number(filters: dict[str, Any], name: str, text: str, label: str, errors: dict[str, str]) -> None:
    if not text:
        return
    try:
        filters[name] = float(text)
    except ValueError:
        errors["filters"] = f"{label}: expected a number, received “{text}”."


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in (value if isinstance(value, list | tuple) else [value]))


def _number(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)


def _attributes(given: Mapping[str, Any]) -> tuple[Attribute, ...]:
    found: dict[str, Attribute] = {}
    for name, value in given.items():
        if name in LISTS or name in PRICES:
            continue
        if name.endswith(("_min", "_max")):
            row = found.get(name[:-4], Attribute(name[:-4]))
            side = "low" if name.endswith("_min") else "high"
            found[name[:-4]] = replace(row, **{side: _number(value)})
        else:
            found[name] = Attribute(name, ", ".join(_texts(value)))
    return tuple(found.values())
