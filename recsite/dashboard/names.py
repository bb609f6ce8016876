"""What a product is called in the console.

Many catalogues spell in capitals and codes (``FLUID MILK WHITE ONLY``); those are put into sentence case with the
codes resolved. A title in ordinary spelling is left as it is.
"""

from __future__ import annotations

import re
from typing import Any

SIZE_KEYS = ("package_size", "size", "pack_size", "unit_size")
LOOSE = {"ctn", "bulk", "case", "each", "ea", "per lb", "lb"}
_WHOLE = {
    "fluid milk white only": "White milk",
    "yogurt not multi packs": "Yogurt cup",
}
_CODES: dict[str, str] = {
    "frzn": "frozen",
    "frz": "frozen",
    "sft": "soft",
    "drnk": "drink",
    "drnks": "drinks",
    "btl": "bottle",
    "btr": "butter",
    "pnt": "peanut",
    "veg": "vegetables",
    "chix": "chicken",
    "choc": "chocolate",
    "chick": "chicken",
    "dnr": "dinner",
    "dnrs": "dinners",
    "rts": "ready-to-serve",
    "ss": "single-serve",
    "pkg": "packaged",
    "pkgd": "packaged",
    "refrgratd": "refrigerated",
    "sald": "salad",
    "sal": "salad",
    "drsng": "dressing",
    "sndwch": "sandwich",
    "sprd": "spread",
    "bkfst": "breakfast",
    "brkfst": "breakfast",
    "misc": "other",
    "crckr": "cracker",
    "crkr": "cracker",
    "cndy": "candy",
    "snk": "snack",
    "snks": "snacks",
    "ckys": "cookies",
    "bn": "beans",
    "pwdr": "powder",
    "crystl": "crystal",
    "jce": "juice",
    "conc": "concentrate",
    "wtr": "water",
    "cleang": "cleaning",
    "hshld": "household",
    "tiss": "tissues",
    "lf": "low-fat",
    "nf": "non-fat",
    "org": "organic",
    "whl": "whole",
    "wht": "white",
    "grn": "green",
    "bnls": "boneless",
    "sknls": "skinless",
    "brst": "breast",
    "grnd": "ground",
    "saus": "sausage",
    "meatls": "meatless",
    "mxs": "mixes",
    "supl": "supplies",
    "sply": "supplies",
    "suppplies": "supplies",
    "beerale": "beer, ale,",
}
_UNITS = {
    "oz": "oz", "lb": "lb", "lbs": "lb", "gal": "gal", "ga": "gal", "ct": "ct", "pt": "pt", "qt": "qt", "ml": "ml",
    "l": "l", "ltr": "l", "g": "g", "kg": "kg", "dz": "dozen", "pk": "pack", "fl": "fl", "in": "in", "ft": "ft",
    "sf": "sq ft", "sq": "sq",
}  # fmt: skip
_NOISE = re.compile(
    r"\b(not multi-?packs?|incl\w*|all others?|all otyher|in store|and others?|bulk ?& ?bag|bulk/pkg|ex cans?)\b|[()]", re.I
)


def is_coded(title: str) -> bool:
    """Whether a title is spelled in capitals, as codes are."""
    letters = [letter for letter in title if letter.isalpha()]
    return len(letters) > 3 and not any(letter.islower() for letter in letters)


def plain(title: str) -> str:
    """A coded title in sentence case with its codes resolved; any other title unchanged."""
    text = title.strip()
    if not is_coded(text):
        return text
    text = text.lower()
    key = re.sub(r"[^a-z0-9]+", " ", text).strip()
    if key in _WHOLE:
        return _WHOLE[key]
    text = _NOISE.sub(" ", text)
    text = re.sub(r"\s*[:;]\s*", ", ", re.sub(r"(?<=[a-z])[/&](?=[a-z])", " & ", text))
    words = [_CODES.get(word.strip(".,"), word) for word in text.split()]
    text = re.sub(r"\s+([,.])", r"\1", " ".join(words)).strip(" ,.&-/")
    return text[:1].upper() + text[1:]


def size_label(size: str) -> str:
    """A package size as read by people: ``20 OZ`` → ``20 oz``, ``12 CT`` → ``12 ct``, ``CTN`` → ``loose``."""
    text = re.sub(r"\s+", " ", size.strip().lower())
    if not text:
        return ""
    if text in LOOSE:
        return "loose"
    text = re.sub(r"(?<=\d)\s*[x/]\s*(?=\d)", " × ", text)
    text = re.sub(r"(?<=\d)(?=[a-z])", " ", text)
    return " ".join(_UNITS.get(word, word) for word in text.split())[:16]


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
