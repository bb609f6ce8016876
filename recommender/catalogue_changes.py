"""A catalogue brought up to date: in another order, with newer values of some products, with more products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recommender.catalogue import GONE, Catalogue, Change, as_tags, label_of
from recommender.conditions import Shelf, Tags
from recommender.engine.interactions import Codes
from recommender.vocabulary import as_number


def aligned(base: Catalogue, product_ids: np.ndarray) -> Catalogue:
    """``base`` in the order of a vocabulary's ``product_ids``, the rest behind. A product whose row is gone keeps
    its code and is not for sale."""
    place = base.codes(product_ids)
    rest = np.setdiff1d(np.arange(len(base)), place)
    order = np.concatenate([place, rest]).astype(np.int64)
    if len(order) == len(base) and np.array_equal(order, np.arange(len(base))):
        return base
    gone = order < 0
    safe = np.maximum(order, 0)
    # An empty shop (a process that loaded before the first import) has no row to take in the place of one that is gone.
    taken = _taken(base if len(base) else _grown(base, [GONE]), safe)
    ids = np.concatenate([product_ids, base.product_ids[rest]])
    if not gone.any():
        return replace(taken, product_ids=ids)
    # What stands in the place of one that is gone must not answer to its name, or a lookup finds the wrong product.
    names = tuple("" if lost else name for name, lost in zip(taken.shelf.external_ids, gone.tolist(), strict=True))
    return replace(
        taken,
        shelf=replace(taken.shelf, external_ids=names),
        product_ids=ids,
        sellable=taken.sellable & ~gone,
        popularity=np.where(gone, np.float32(0), taken.popularity),
        trend=np.where(gone, np.float32(0), taken.trend),
    )


def changed(base: Catalogue, changes: Sequence[Change]) -> Catalogue:
    """``base`` with ``changes`` laid over it; new products get the next codes."""
    if not changes:
        return base
    codes = base.codes(np.array([change.product_id for change in changes], np.int64))
    new = [change for change, code in zip(changes, codes, strict=True) if code < 0]
    grown = _grown(base, new)
    codes = np.where(codes >= 0, codes, len(base) + np.cumsum(codes < 0) - 1)
    shelf = grown.shelf
    price, stock, sellable, added = shelf.price.copy(), shelf.stock.copy(), grown.sellable.copy(), shelf.added.copy()
    titles, names = list(grown.titles), list(shelf.external_ids)
    for code, change in zip(codes.tolist(), changes, strict=True):
        price[code] = np.nan if change.price is None else change.price
        stock[code] = np.nan if change.stock is None else change.stock
        sellable[code], added[code], titles[code] = change.sellable, change.added, change.title
        names[code] = change.external_id
    patched = Shelf(
        external_ids=tuple(names),
        category=_patched(shelf.category, codes, [change.path for change in changes]),
        brand=_patched(shelf.brand, codes, [change.brand for change in changes]),
        price=price,
        stock=stock,
        added=added,
        tags=_patched_tags(shelf.tags, codes, [change.tags for change in changes]),
        attributes={
            name: _patched(column, codes, [label_of(change.attributes.get(name)) for change in changes])
            for name, column in shelf.attributes.items()
        },
        numbers={
            name: _patched_numbers(column, codes, [as_number(change.attributes.get(name)) for change in changes])
            for name, column in shelf.numbers.items()
        },
    )
    if patched.external_ids == shelf.external_ids and not new:  # what was indexed stays so
        patched.__dict__["index"] = shelf.index
    return replace(grown, shelf=patched, titles=tuple(titles), sellable=sellable)


def _taken(base: Catalogue, order: np.ndarray) -> Catalogue:
    shelf = base.shelf
    return Catalogue(
        shelf=Shelf(
            external_ids=tuple(shelf.external_ids[code] for code in order.tolist()),
            category=Codes(shelf.category.codes[order], shelf.category.labels),
            brand=Codes(shelf.brand.codes[order], shelf.brand.labels),
            price=shelf.price[order],
            stock=shelf.stock[order],
            added=shelf.added[order],
            tags=_taken_tags(shelf.tags, order),
            attributes={name: Codes(c.codes[order], c.labels) for name, c in shelf.attributes.items()},
            numbers={name: column[order] for name, column in shelf.numbers.items()},
        ),
        product_ids=base.product_ids[order],
        titles=tuple(base.titles[code] for code in order.tolist()),
        sellable=base.sellable[order],
        popularity=base.popularity[order],
        trend=base.trend[order],
        stamps=base.stamps[order],
        made_at=base.made_at,
    )


def _grown(base: Catalogue, new: Sequence[Change]) -> Catalogue:
    """Room for ``new`` products behind the others, still without their values."""
    if not new:
        return base
    more, shelf = len(new), base.shelf
    missing, blank = np.full(more, -1, np.int32), np.full(more, np.nan, np.float32)
    tags = Tags(
        np.concatenate([shelf.tags.offsets, np.full(more, shelf.tags.offsets[-1])]), shelf.tags.codes, shelf.tags.labels
    )
    grown = Shelf(
        external_ids=(*shelf.external_ids, *(change.external_id for change in new)),
        category=Codes(np.concatenate([shelf.category.codes, missing]), shelf.category.labels),
        brand=Codes(np.concatenate([shelf.brand.codes, missing]), shelf.brand.labels),
        price=np.concatenate([shelf.price, blank]),
        stock=np.concatenate([shelf.stock, blank]),
        added=np.concatenate([shelf.added, blank.astype(np.float64)]),
        tags=tags,
        attributes={n: Codes(np.concatenate([c.codes, missing]), c.labels) for n, c in shelf.attributes.items()},
        numbers={name: np.concatenate([column, blank]) for name, column in shelf.numbers.items()},
    )
    zero = np.zeros(more, np.float32)
    return replace(
        base,
        shelf=grown,
        product_ids=np.concatenate([base.product_ids, [change.product_id for change in new]]).astype(np.int64),
        titles=(*base.titles, *(change.title for change in new)),
        sellable=np.concatenate([base.sellable, np.zeros(more, bool)]),
        popularity=np.concatenate([base.popularity, zero]),
        trend=np.concatenate([base.trend, zero]),
        stamps=np.concatenate([base.stamps, [change.stamp for change in new]]),
    )


def _patched(column: Codes, codes: np.ndarray, values: Sequence[str | None]) -> Codes:
    place = {label: code for code, label in enumerate(column.labels)}
    for value in values:
        if value:
            place.setdefault(value, len(place))
    wanted = np.array([place[value] if value else -1 for value in values], np.int32)
    if np.array_equal(column.codes[codes], wanted):
        return column
    patched = column.codes.copy()
    patched[codes] = wanted
    return Codes(patched, tuple(place))


def _patched_numbers(column: np.ndarray, codes: np.ndarray, values: Sequence[float | None]) -> np.ndarray:
    patched = column.copy()
    patched[codes] = [np.nan if value is None else value for value in values]
    return patched


def _patched_tags(tags: Tags, codes: np.ndarray, values: Sequence[Sequence[str]]) -> Tags:
    labels = dict(enumerate(tags.labels))
    now = {
        code: [labels[tag] for tag in tags.codes[tags.offsets[code] : tags.offsets[code + 1]].tolist()]
        for code in codes.tolist()
    }
    if all(now[code] == list(value) for code, value in zip(codes.tolist(), values, strict=True)):
        return tags
    rows = [
        [labels[tag] for tag in tags.codes[start:end].tolist()]
        for start, end in zip(tags.offsets[:-1].tolist(), tags.offsets[1:].tolist(), strict=True)
    ]
    for code, value in zip(codes.tolist(), values, strict=True):
        rows[code] = list(value)
    return as_tags(rows)


def _taken_tags(tags: Tags, order: np.ndarray) -> Tags:
    start, size = tags.offsets[order], np.diff(tags.offsets)[order]
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    rows = np.repeat(start - offsets[:-1], size) + np.arange(offsets[-1])
    return Tags(offsets, tags.codes[rows], tags.labels)
