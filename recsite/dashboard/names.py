"""What a product is called in the console: ``catalog.names`` says the words, here is where they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog import names
from catalog.names import plain_name as plain

SIZE_KEYS = ("package_size", "size", "pack_size", "unit_size")
LABEL_LENGTH = 16  # of the size on a tile
NUMERO = "№\N{NO-BREAK SPACE}"  # a name may break before the number, never within


def size_label(size: str) -> str:
    """A package size as read by people, short enough for a tile: ``20 OZ`` → ``20 oz``, ``CTN`` → ``loose``."""
    return names.size_label(size)[:LABEL_LENGTH].rstrip()


def package_size(product: Any) -> str:
    """The label of a product's tile: its package size from the attribute that has it, or nothing."""
    for key in SIZE_KEYS:
        if value := product.attributes.get(key):
            return size_label(str(value))
    return ""


def display_name(product: Any) -> str:
    """The name alone, as beneath a tile M (whose label has the size)."""
    title = str(product.title or "")
    size = next((str(product.attributes[key]) for key in SIZE_KEYS if product.attributes.get(key)), "")
    if size and title.casefold().endswith(size.casefold()):
        title = title[: -len(size)].rstrip(" ,·-")
    return plain(title) or f"№ {product.external_id}"


def full_name(product: Any) -> str:
    """The name with the size: ``White milk · 1 gal``, as in tables and titles."""
    name, size = display_name(product), package_size(product)
    return f"{name} · {size}" if size and size.casefold() not in name.casefold() else name


@dataclass(frozen=True)
class Named:
    """A product's name where it stands among others; ``size`` where the tile shows it beside the name."""

    name: str
    brand: str
    number: str
    size: str = ""


def apart(named: Sequence[Named]) -> list[str]:
    """The names, equal ones told apart: by the brand where that is enough, else by the number."""
    alike = Counter((one.name, one.size) for one in named)
    branded = Counter((one.name, one.size, one.brand) for one in named)

    def say(one: Named) -> str:
        if alike[one.name, one.size] == 1:
            return one.name
        alone = one.brand and branded[one.name, one.size, one.brand] == 1
        return f"{one.name} · {one.brand if alone else NUMERO + one.number}"

    return [say(one) for one in named]


def told_apart(products: Iterable[Any]) -> dict[int, str]:
    """Full names by internal id, of products that stand together."""
    products = list(products)
    words = apart([Named(full_name(product), product.brand, product.external_id) for product in products])
    return {product.pk: word for product, word in zip(products, words, strict=True)}
