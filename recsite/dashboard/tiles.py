"""Product tiles: a silhouette on a tinted square, the same for the same product wherever it stands."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, ClassVar

from recsite.dashboard.departments import FALLBACK, STEP, hue_of, silhouette, texts_of
from recsite.dashboard.names import display_name, package_size
from recsite.dashboard.silhouettes import SILHOUETTES


@dataclass(frozen=True)
class Tile:
    """What a tile shows. ``size``: S (32 px), M (fills its column) or L (176 px); ``label`` is the package size.

    ``name`` is read out only where no name stands beside the tile (``alone``).
    """

    template: ClassVar[str] = "partials/tile.html"
    silhouette: str
    hue: int
    mirrored: bool = False
    label: str = ""
    image_url: str = ""
    size: str = "m"
    name: str = ""
    alone: bool = False

    @property
    def shapes(self) -> str:
        return SILHOUETTES[self.silhouette]


def tile(
    *,
    key: str,
    title: str = "",
    category: str = "",
    label: str = "",
    image_url: str = "",
    size: str = "m",
    alone: bool = False,
) -> Tile:
    """The tile of a product. ``key`` is its id, ``category`` the path with `` > ``, ``label`` its package size."""
    texts = texts_of(title, category)
    digest = zlib.crc32(key.encode())
    shape = silhouette(texts)
    base = hue_of(texts, shape) if category or shape != FALLBACK else digest // 7 % 360
    hue = (base + (digest % 7 - 3) * STEP) % 360 // STEP * STEP
    return Tile(shape, hue, bool(digest >> 8 & 1), label, image_url, size, title, alone)


def tile_of(product: Any, *, size: str = "m", alone: bool = False) -> Tile:
    """The tile of a ``catalog.Product`` (with its category selected)."""
    return tile(
        key=product.external_id,
        title=display_name(product) if alone or product.image_url else product.title,
        category=product.category.path if product.category_id else "",
        label=package_size(product),
        image_url=product.image_url,
        size=size,
        alone=alone,
    )
