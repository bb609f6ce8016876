"""What a condition can name, found as one types: categories, brands and tags of the catalogue as serving holds it."""

from __future__ import annotations

import numpy as np

from recommender import state
from recommender.conditions import SEPARATOR, Shelf
from recsite.dashboard import numbers
from recsite.dashboard.components import SearchGroup, SearchOption, SearchResults, pieces

KINDS = {"categories": "category", "brands": "brand", "tags": "tag"}
LIMIT = 8


def find(kind: str, text: str, *, box: str, limit: int = LIMIT) -> SearchResults:
    """Those that hold ``text``, the ones with the most products first; nothing for another kind or no text."""
    text = text.strip()
    if kind not in KINDS or not text:
        return SearchResults(box, [])
    counts = terms(kind, state.current().catalogue.shelf)
    found = [(label, many) for label, many in counts.items() if text.casefold() in label.casefold()]
    found.sort(key=lambda pair: (pair[0].casefold() != text.casefold(), -pair[1], pair[0]))
    options = [
        SearchOption(label, pieces(label.replace(SEPARATOR, " › "), text), numbers.plural(many, "product"))
        for label, many in found[:limit]
    ]
    return SearchResults(
        box,
        [SearchGroup("", options)] if options else [],
        none=f"No {KINDS[kind]} is called “{text}”.",
        summary=f"{len(options)} of {numbers.count(len(found))}",
    )


def known(kind: str, text: str) -> str | None:
    """The label that is spelled ``text``, whatever its case, or None; a category may be written with › or >."""
    wanted = text.replace(" › ", SEPARATOR).casefold()
    return next((label for label in terms(kind, state.current().catalogue.shelf) if label.casefold() == wanted), None)


def terms(kind: str, shelf: Shelf) -> dict[str, int]:
    """Products by label; a category counts those below it, too. Kept with the shelf."""
    kept: dict[str, dict[str, int]] = shelf.__dict__.setdefault("_terms", {})
    if kind not in kept:
        kept[kind] = _count(kind, shelf)
    return kept[kind]


def _count(kind: str, shelf: Shelf) -> dict[str, int]:
    if kind == "tags":
        return _by_label(shelf.tags.codes, shelf.tags.labels)
    if kind == "brands":
        return _by_label(shelf.brand.codes, shelf.brand.labels)
    found: dict[str, int] = {}
    for path, many in _by_label(shelf.category.codes, shelf.category.labels).items():
        parts = path.split(SEPARATOR)
        for depth in range(1, len(parts) + 1):
            head = SEPARATOR.join(parts[:depth])
            found[head] = found.get(head, 0) + many
    return found


def _by_label(codes: np.ndarray, labels: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    return dict(zip(labels, counts.tolist(), strict=True))
