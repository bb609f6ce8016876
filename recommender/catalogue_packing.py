"""How a catalogue travels to the web processes: arrays without pickles and one JSON of texts, deflated."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from recommender.catalogue import Catalogue, Change
from recommender.conditions import Shelf, Tags
from recommender.engine.interactions import Codes


def pack(catalogue: Catalogue) -> bytes:
    """Arrays without pickles and one JSON of texts, deflated."""
    shelf = catalogue.shelf
    arrays = {
        "product_ids": catalogue.product_ids,
        "sellable": catalogue.sellable,
        "popularity": catalogue.popularity,
        "trend": catalogue.trend,
        "stamps": catalogue.stamps,
        "price": shelf.price,
        "stock": shelf.stock,
        "added": shelf.added,
        "category": shelf.category.codes,
        "brand": shelf.brand.codes,
        "tag_offsets": shelf.tags.offsets,
        "tag_codes": shelf.tags.codes,
    }
    arrays |= {f"attribute {place}": column.codes for place, column in enumerate(shelf.attributes.values())}
    arrays |= {f"number {place}": column for place, column in enumerate(shelf.numbers.values())}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    texts = {
        "made_at": catalogue.made_at,
        "without_stubs": catalogue.without_stubs,
        "external_ids": shelf.external_ids,
        "titles": catalogue.titles,
        "category": shelf.category.labels,
        "brand": shelf.brand.labels,
        "tags": shelf.tags.labels,
        "attributes": {name: column.labels for name, column in shelf.attributes.items()},
        "numbers": list(shelf.numbers),
    }
    words = orjson.dumps(texts)
    return zlib.compress(len(words).to_bytes(8, "big") + words + out.getvalue(), 1)


def unpack(body: bytes) -> Catalogue:
    """The inverse of :func:`pack`."""
    raw = zlib.decompress(body)
    size = int.from_bytes(raw[:8], "big")
    texts: Mapping[str, Any] = orjson.loads(raw[8 : 8 + size])
    with np.load(io.BytesIO(raw[8 + size :]), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Catalogue(
        shelf=Shelf(
            external_ids=tuple(texts["external_ids"]),
            category=Codes(arrays["category"], tuple(texts["category"])),
            brand=Codes(arrays["brand"], tuple(texts["brand"])),
            price=arrays["price"],
            stock=arrays["stock"],
            added=arrays["added"],
            tags=Tags(arrays["tag_offsets"], arrays["tag_codes"], tuple(texts["tags"])),
            attributes={
                name: Codes(arrays[f"attribute {place}"], tuple(labels))
                for place, (name, labels) in enumerate(texts["attributes"].items())
            },
            numbers={name: arrays[f"number {place}"] for place, name in enumerate(texts["numbers"])},
        ),
        product_ids=arrays["product_ids"],
        titles=tuple(texts["titles"]),
        sellable=arrays["sellable"],
        popularity=arrays["popularity"],
        trend=arrays["trend"],
        stamps=arrays["stamps"],
        made_at=texts["made_at"],
        without_stubs=texts.get("without_stubs", False),  # a body from before there was such a thing
    )


def pack_changes(changes: Sequence[Change]) -> bytes:
    """Whole products, as JSON in the order of ``Change``'s fields."""
    return orjson.dumps([list(change.__dict__.values()) for change in changes])


def unpack_changes(body: bytes) -> list[Change]:
    """The inverse of :func:`pack_changes`."""
    return [Change(*row) for row in orjson.loads(body)]
