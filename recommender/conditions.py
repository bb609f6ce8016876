"""Which products: conditions of rules and filters of requests, tested over columns of the catalogue.

A ``Shelf`` is the catalogue as columns by item code; a ``Condition`` tests any array of
item codes against it. Pure NumPy: the same call answers for 300 ranked items of a
request and for the whole catalogue of an editor's "reaches 412 products".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from recommender.engine.interactions import Codes

SEPARATOR = " > "  # between the levels of a category path
DAY = 86_400.0
KEPT_MASKS = 500  # tested label sets kept per shelf


class ConditionError(ValueError):
    """A condition that cannot be read: ``field`` names the part, the message what was expected and received."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Tags:
    """Many labels an item: ``offsets`` int64 [n+1] into ``codes`` int32; ``labels`` by code."""

    offsets: np.ndarray
    codes: np.ndarray
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Shelf:
    """The catalogue as columns by item code (n items).

    ``price`` and ``stock`` float32 [n] (NaN: unknown), ``added`` float64 [n] (seconds since
    1970, NaN: unknown), ``category`` codes of whole paths, ``attributes`` and ``numbers`` by name.
    """

    external_ids: tuple[str, ...]
    category: Codes
    brand: Codes
    price: np.ndarray
    stock: np.ndarray
    added: np.ndarray
    tags: Tags
    attributes: Mapping[str, Codes] = field(default_factory=dict)
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.external_ids)

    @cached_property
    def index(self) -> dict[str, int]:
        """Item code by the shop's own id."""
        return {external_id: code for code, external_id in enumerate(self.external_ids)}

    def codes_of(self, external_ids: Iterable[str]) -> np.ndarray:
        """int64 codes of the known ones among ``external_ids``, order kept."""
        found = (self.index.get(external_id) for external_id in external_ids)
        return np.array([code for code in found if code is not None], dtype=np.int64)

    @cached_property
    def _levels(self) -> dict[int, Codes]:
        return {}

    def category_level(self, level: int) -> Codes:
        """The category cut to its first ``level`` parts; 0 is the whole path."""
        if level <= 0:
            return self.category
        if level not in self._levels:
            heads = [SEPARATOR.join(label.split(SEPARATOR)[:level]) for label in self.category.labels]
            labels = tuple(dict.fromkeys(heads))
            position = {label: code for code, label in enumerate(labels)}
            lookup = np.array([position[head] for head in heads] + [-1], dtype=np.int32)
            self._levels[level] = Codes(lookup[self.category.codes], labels)
        return self._levels[level]

    @cached_property
    def _label_masks(self) -> dict[tuple[str, tuple[str, ...]], np.ndarray]:
        return {}

    def label_mask(self, column: str, codes: Codes | Tags, wanted: tuple[str, ...]) -> np.ndarray:
        """bool [labels + 1] of what ``wanted`` names, any case; the last is for a missing value. Kept by column."""
        key = (column, wanted)
        if key not in self._label_masks:
            if len(self._label_masks) >= KEPT_MASKS:  # filters of requests are anyone's words: never grow without end
                self._label_masks.clear()
            names = {name.casefold() for name in wanted}
            test = _under if column == "category" else _equal
            mask = [test(label.casefold(), names) for label in codes.labels]
            self._label_masks[key] = np.array([*mask, False])
        return self._label_masks[key]


def _equal(label: str, names: set[str]) -> bool:
    return label in names


def _under(path: str, names: set[str]) -> bool:
    """Whether ``path`` is one of the categories or below one."""
    return any(path == name or path.startswith(name + SEPARATOR) for name in names)


@dataclass(frozen=True)
class Between:
    """A closed range of a numeric attribute; None is open."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Condition:
    """Which products. Every part that is given must hold; within a part any of its values will do.

    An unknown price, age or attribute never lies in a range. An unknown stock counts as available.
    """

    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()  # paths: everything below counts
    brands: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    price_min: float | None = None
    price_max: float | None = None
    stock_min: float | None = None
    stock_max: float | None = None
    age_min_days: float | None = None
    age_max_days: float | None = None
    attributes: tuple[tuple[str, tuple[str, ...] | Between], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, so that every product matches."""
        return self == Condition()

    def matches(self, shelf: Shelf, items: np.ndarray, *, at: float) -> np.ndarray:
        """bool [len(items)]: which of the item codes match at time ``at`` (seconds since 1970)."""
        mask = np.ones(len(items), dtype=bool)
        if self.products:
            mask &= np.isin(items, shelf.codes_of(self.products))
        if self.categories:
            mask &= shelf.label_mask("category", shelf.category, self.categories)[shelf.category.codes[items]]
        if self.brands:
            mask &= shelf.label_mask("brand", shelf.brand, self.brands)[shelf.brand.codes[items]]
        if self.tags:
            mask &= _tagged(shelf, items, self.tags)
        mask &= _between(shelf.price[items], self.price_min, self.price_max)
        if self.stock_min is not None or self.stock_max is not None:
            stock = np.where(np.isnan(shelf.stock[items]), np.inf, shelf.stock[items])
            mask &= _between(stock, self.stock_min, self.stock_max)
        if self.age_min_days is not None or self.age_max_days is not None:
            mask &= _between((at - shelf.added[items]) / DAY, self.age_min_days, self.age_max_days)
        for name, wanted in self.attributes:
            mask &= _attribute(shelf, items, name, wanted)
        return mask

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; only the parts that are given."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in ((), None)}
        parts: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if name != "attributes"
        }
        if self.attributes:
            parts["attributes"] = {name: _wanted_to_json(wanted) for name, wanted in self.attributes}
        return parts

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Condition:
        """The inverse of :meth:`to_dict`; raises :class:`ConditionError` naming the part."""
        known = {f.name for f in fields(cls)}
        for name in values:
            if name not in known:
                raise ConditionError(name, f"expected one of {', '.join(sorted(known))}, received {name!r}")
        parts: dict[str, Any] = {}
        for name, value in values.items():
            if name == "attributes":
                parts[name] = _attributes_from_json(value)
            elif name in ("products", "categories", "brands", "tags"):
                parts[name] = _texts(name, value)
            else:
                parts[name] = _number(name, value)
        return cls(**parts)

    @classmethod
    def from_filter(cls, values: Mapping[str, Any]) -> Condition:
        """A request's ``filter``: ``category``, ``brand``, ``tag``, ``price_min``, ``price_max``; any other
        name is an attribute, with ``_min``/``_max`` behind it for a range."""
        parts: dict[str, Any] = {}
        attributes: dict[str, Any] = {}
        plural = {"category": "categories", "brand": "brands", "tag": "tags", "product": "products"}
        for name, value in values.items():
            if name in plural:
                parts[plural[name]] = _texts(name, value)
            elif name in ("price_min", "price_max"):
                parts[name] = _number(name, value)
            elif name.endswith(("_min", "_max")) and len(name) > 4:
                if not isinstance(attributes.setdefault(name[:-4], {}), dict):
                    raise ConditionError(name, f"{name}: expected values of {name[:-4]} or a range, received both")
                attributes[name[:-4]][name[-3:]] = _number(name, value)
            elif name in attributes:
                raise ConditionError(name, f"{name}: expected values or a range, received both")
            else:
                attributes[name] = list(_texts(name, value))
        return cls(**parts, attributes=_attributes_from_json(attributes))


def count(condition: Condition, shelf: Shelf, *, at: float) -> int:
    """How many products of the catalogue match."""
    return int(condition.matches(shelf, np.arange(len(shelf)), at=at).sum())


def _between(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    mask = np.ones(len(values), dtype=bool)
    if low is not None:
        mask &= values >= low  # NaN compares false: the unknown lies in no range
    if high is not None:
        mask &= values <= high
    return mask


def _tagged(shelf: Shelf, items: np.ndarray, wanted: tuple[str, ...]) -> np.ndarray:
    start, end = shelf.tags.offsets[items], shelf.tags.offsets[items + 1]
    hits = shelf.label_mask("tag", shelf.tags, wanted)[shelf.tags.codes] if len(shelf.tags.codes) else np.zeros(0, bool)
    before = np.concatenate([[0], np.cumsum(hits)])
    return np.asarray(before[end] > before[start])


def _attribute(shelf: Shelf, items: np.ndarray, name: str, wanted: tuple[str, ...] | Between) -> np.ndarray:
    if isinstance(wanted, Between):
        if name not in shelf.numbers:
            return np.zeros(len(items), dtype=bool)
        return _between(shelf.numbers[name][items], wanted.low, wanted.high)
    if name in shelf.attributes:
        column = shelf.attributes[name]
        return np.asarray(shelf.label_mask(f"attribute {name}", column, wanted)[column.codes[items]])
    if name in shelf.numbers:
        return np.isin(shelf.numbers[name][items], [float(v) for v in wanted if _is_number(v)])
    return np.zeros(len(items), dtype=bool)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _texts(name: str, value: object) -> tuple[str, ...]:
    values: Sequence[object] = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(v, str | int | float | bool) and str(v).strip() for v in values):
        raise ConditionError(name, f"{name}: expected a text or a list of texts, received {value!r}")
    return tuple(str(v).strip() for v in values)


def _number(name: str, value: object) -> float:
    readable = isinstance(value, int | float | str) and not isinstance(value, bool) and _is_number(str(value))
    if not readable:
        raise ConditionError(name, f"{name}: expected a finite number, received {value!r}")
    return float(str(value))


def _wanted_to_json(wanted: tuple[str, ...] | Between) -> list[str] | dict[str, float]:
    if isinstance(wanted, Between):
        pairs = (("min", wanted.low), ("max", wanted.high))
        return {name: number for name, number in pairs if number is not None}
    return list(wanted)


def _attributes_from_json(values: object) -> tuple[tuple[str, tuple[str, ...] | Between], ...]:
    if not isinstance(values, Mapping):
        raise ConditionError("attributes", f"attributes: expected an object by attribute name, received {values!r}")
    tests: list[tuple[str, tuple[str, ...] | Between]] = []
    for name, wanted in sorted(values.items()):
        if isinstance(wanted, Mapping):
            if not wanted or set(wanted) - {"min", "max"}:
                raise ConditionError(name, f"{name}: expected min and/or max, received {dict(wanted)!r}")
            bounds = {side: _number(name, number) for side, number in wanted.items()}
            tests.append((name, Between(bounds.get("min"), bounds.get("max"))))
        else:
            tests.append((name, _texts(name, wanted)))
    return tuple(tests)
