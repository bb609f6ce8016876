"""One product on its way in: what a shop may send of it, and why one is refused.

Pure: no database. ``read_product`` reads the JSON of the API; the import of files makes the same rows set-based
(``imports``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog.paths import MAX_PATH, tidy_path

MAX_ID = 128
MAX_PRICE = Decimal("9999999999.9999")
MAX_COUNT = 2**31 - 1
TEXTS = {"title": 500, "brand": 200, "description": 100_000}


class ProductError(ValueError):
    """A product that cannot be stored; ``field`` and ``code`` name what was wrong."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code, self.field = code, field


@dataclass(frozen=True)
class NewProduct:
    """One product as a shop sends it. ``given`` maps the model's field to its value; what is not named stays."""

    external_id: str
    given: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    category: str | None = None  # a path; None: not given, "": none


def read_product(values: Mapping[str, Any], *, external_id: str | None = None) -> NewProduct:
    """A product from the API's JSON (the columns of a products file); raises :class:`ProductError`.

    A column that is sent as null is cleared; further columns are attributes.
    """
    rest = dict(values)
    identity = _identity(rest.pop("product_id", None) if external_id is None else external_id)
    rest.pop("product_id", None)
    category = _category_path(rest.pop("category")) if "category" in rest else None
    readers = {name: _reader(name) for name in rest if name in KNOWN}
    given = {name: reader(rest.pop(name)) for name, reader in readers.items()}
    return NewProduct(identity, given, _attributes(rest), category)


def _identity(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ProductError("missing", "product_id", f"expected an id as a string; received {value!r}")
    if len(value.strip()) > MAX_ID or "\0" in value:
        raise ProductError("too_long", "product_id", f"expected at most {MAX_ID} characters of text")
    return value.strip()


def _category_path(value: Any) -> str:
    if value is None:
        return ""
    path = tidy_path(_text("category", value, 10_000))
    if len(path) > MAX_PATH:
        raise ProductError("too_long", "category", f"expected at most {MAX_PATH} characters; received {len(path)}")
    return path


def _text(name: str, value: Any, length: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProductError("wrong_type", name, f"expected a string; received {value!r}")
    if len(value) > length:
        raise ProductError("too_long", name, f"expected at most {length} characters; received {len(value)}")
    if "\0" in value:
        raise ProductError("not_text", name, "expected text; received a NUL character")
    return value.strip()


def _price(name: str, value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidOperation
        price = Decimal(str(value))
    except InvalidOperation:
        raise ProductError("not_a_number", name, f"expected a number; received {value!r}") from None
    if not price.is_finite() or not 0 <= price <= MAX_PRICE:
        raise ProductError("out_of_range", name, f"expected a number from 0 to {MAX_PRICE}; received {value!r}")
    return price.quantize(Decimal("0.0001"))


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProductError("not_a_number", name, f"expected a number; received {value!r}")
    if value != value or abs(value) > 1e300:
        raise ProductError("not_finite", name, f"expected a finite number; received {value!r}")
    return float(value)


def _count(name: str, value: Any) -> int | None:
    number = _number(name, value)
    if number is None:
        return None
    if not 0 <= number <= MAX_COUNT:
        raise ProductError("out_of_range", name, f"expected a number from 0 to {MAX_COUNT}; received {value!r}")
    return int(number)


def _currency(name: str, value: Any) -> str:
    code = _text(name, value, 10).upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ProductError("bad_currency", name, f"expected three letters such as USD; received {value!r}")
    return code


def _image_url(name: str, value: Any) -> str:
    url = _text(name, value, 1000)
    if url and not url.lower().startswith(("https://", "http://")):
        raise ProductError("bad_url", name, f"expected an address that begins with https://; received {value!r}")
    return url


def _tags(name: str, value: Any) -> list[str]:
    tags = [] if value is None else value.split("|") if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ProductError("wrong_type", name, f"expected a list of strings; received {value!r}")
    stripped = (_text(name, tag, 100) for tag in tags)
    return list(dict.fromkeys(tag for tag in stripped if tag))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ProductError("wrong_type", name, f"expected true or false; received {value!r}")
    return value


_READERS = {
    "price": _price,
    "currency": _currency,
    "stock": _count,
    "tags": _tags,
    "image_url": _image_url,
    "rating": _number,
    "rating_count": _count,
    "hidden": _flag,
}
KNOWN = (*TEXTS, *_READERS)


def _reader(name: str) -> Any:
    if name in TEXTS:
        return lambda value: _text(name, value, TEXTS[name])
    return lambda value: _READERS[name](name, value)


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        if not name or len(name) > 100 or "\0" in name:
            raise ProductError("bad_name", name[:100], "expected attribute names of 1 to 100 characters")
        if value is not None and not isinstance(value, str | int | float | bool):
            raise ProductError("wrong_type", name, f"expected text, a number or true/false; received {value!r}")
        if isinstance(value, str):
            _text(name, value, 10_000)
        if isinstance(value, int | float):
            _number(name, float(value))
    return dict(values)
