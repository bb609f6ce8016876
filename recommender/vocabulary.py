"""Which code stands for which product, event type and attribute value: the memory of a training run.

Codes are what the engine and the lists in Redis speak; a vocabulary is stored beside each artifact and read
with it, so that a list is always read by the vocabulary it was written with.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from recommender.engine.interactions import Codes, Kinds

FILE = "vocabulary.json"
BANDS = 8


@dataclass(frozen=True)
class Attribute:
    """One attribute of shoppers. ``labels`` by code; with ``edges``, numbers fall into the bands between them;
    ``fill``: the code of a missing value (−1: it stays missing)."""

    labels: tuple[str, ...]
    edges: tuple[float, ...] = ()
    fill: int = -1

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {label: code for code, label in enumerate(self.labels)}

    def code(self, value: object) -> int:
        """The code of a raw value: ``fill`` where it is missing, −1 where it was never seen."""
        if value is None or value == "":
            return self.fill
        if not self.edges:
            return self._codes.get(str(value), -1)
        number = as_number(value)
        return -1 if number is None else int(np.searchsorted(self.edges, number, "right"))

    @classmethod
    def learn(cls, values: list[object]) -> Attribute:
        """From the values seen: the labels themselves, or bands where nearly all are many different numbers."""
        present = [value for value in values if value is not None and value != ""]
        numbers = [number for value in present if (number := as_number(value)) is not None]
        if len(numbers) >= 0.95 * len(present) and len(set(numbers)) > 2 * BANDS:
            edges = np.unique(np.quantile(numbers, np.arange(1, BANDS) / BANDS))
            bounds = ["", *(f"{edge:g}" for edge in edges), ""]
            labels = tuple(f"{low}–{high}" for low, high in itertools.pairwise(bounds))
            return cls(labels, tuple(float(edge) for edge in edges))
        return cls(tuple(sorted({str(value) for value in present})))


@dataclass(frozen=True)
class Vocabulary:
    """``product_ids`` int64 [n] (``Product.id``, ascending) and ``item_ids`` (the shop's own) by item code."""

    product_ids: np.ndarray
    item_ids: tuple[str, ...]
    kinds: Kinds
    attributes: Mapping[str, Attribute]
    timed: bool
    as_of: float  # days since 1970: the end of what was learned from

    def __len__(self) -> int:
        return len(self.item_ids)

    def codes(self, product_ids: np.ndarray) -> np.ndarray:
        """int32: the item code of each ``Product.id``, −1 where the run did not know it."""
        wanted = np.asarray(product_ids, np.int64)
        if not len(self.product_ids):
            return np.full(wanted.shape, -1, np.int32)
        place = np.minimum(np.searchsorted(self.product_ids, wanted), len(self.product_ids) - 1)
        return np.where(self.product_ids[place] == wanted, place, -1).astype(np.int32)

    @cached_property
    def _kind_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.kinds.names)}

    def kind(self, name: str) -> int:
        """The code of an event type, −1 where the run did not know it."""
        return self._kind_codes.get(name, -1)

    def shopper_codes(self, values: Mapping[str, object]) -> np.ndarray:
        """int32 [A]: a shopper's raw attributes as codes, in the order of ``attributes``."""
        return np.array([a.code(values.get(name)) for name, a in self.attributes.items()], np.int32)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, the inverse of :meth:`from_dict`."""
        return {
            "product_ids": self.product_ids.tolist(),
            "item_ids": list(self.item_ids),
            "kinds": {
                "names": list(self.kinds.names),
                "weights": [float(weight) for weight in self.kinds.weights],
                "targets": [bool(target) for target in self.kinds.targets],
            },
            # Left out where nothing is filled: a vocabulary of before keeps its digest.
            "attributes": {
                name: {"labels": a.labels, "edges": a.edges, **({"fill": a.fill} if a.fill >= 0 else {})}
                for name, a in self.attributes.items()
            },
            "timed": self.timed,
            "as_of": self.as_of,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Vocabulary:
        kinds = values["kinds"]
        return cls(
            np.array(values["product_ids"], np.int64),
            tuple(values["item_ids"]),
            Kinds(tuple(kinds["names"]), np.array(kinds["weights"], np.float32), np.array(kinds["targets"], bool)),
            {
                name: Attribute(tuple(a["labels"]), tuple(a["edges"]), a.get("fill", -1))
                for name, a in values["attributes"].items()
            },
            values["timed"],
            values["as_of"],
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything above: a list written with another vocabulary is not readable with this one."""
        return hashlib.sha256(orjson.dumps(self.to_dict())).hexdigest()

    def save(self, folder: Path) -> None:
        """Write it aside and rename it into ``folder``."""
        aside = folder / f".{FILE}"
        aside.write_bytes(orjson.dumps(self.to_dict()))
        aside.rename(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        return cls.from_dict(orjson.loads((folder / FILE).read_bytes()))


def as_codes(values: list[str | None]) -> Codes:
    """Labels in alphabetical order and their codes; None and the empty string are missing."""
    labels = tuple(sorted({value for value in values if value}))
    place = {label: code for code, label in enumerate(labels)}
    return Codes(np.array([place.get(value, -1) if value else -1 for value in values], np.int32), labels)


def as_number(value: object) -> float | None:
    """The finite number that ``value`` spells, or None."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
