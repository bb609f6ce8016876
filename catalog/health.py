"""What an import found in a file besides its rows: counted, stored with the import, shown on the Data page."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

#: More pieces than this in one line are hardly a shopper's (fuel by the millilitre is).
ABSURD_QUANTITY = 1_000

#: Every finding an import can count, in words.
FINDINGS = {
    "unnamed_columns": "columns without a name in the header, left out",
    "repeated_ids": "lines whose id comes again later in the file; the last line counts",
    "without_category": "products without a category",
    "without_price": "products without a price",
    "unusable_image_urls": "image addresses that do not begin with http:// or https://",
    "hidden_products": "products that are hidden, such as departments that are no goods",
    "unknown_products": "products that only events mention",
    "unknown_product_lines": "lines with a product that only events mention",
    "unknown_shoppers": "shoppers that only events mention",
    "unknown_shopper_lines": "lines with a shopper that only events mention",
    "point_zero_ids": "ids such as 17.0 that were read as the shop's 17",
    "without_time": "lines without a time",
    "quantity_not_positive": "lines with a quantity of zero or less",
    "quantity_absurd": f"lines with a quantity over {ABSURD_QUANTITY:,}",
    "price_zero": "lines with a price of zero",
}


@dataclass(frozen=True)
class ImportHealth:
    """Counts over the accepted rows of one file. ``missing``: empty cells by column, ``findings``: by code."""

    rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    shortened: dict[str, int] = field(default_factory=dict)  # text longer than the column takes, by column
    ignored_columns: tuple[str, ...] = ()
    findings: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"ignored_columns": list(self.ignored_columns)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ImportHealth:
        """The inverse of :meth:`to_dict`; an import from before a field existed reads as zero there."""
        return cls(
            rows=stored.get("rows", 0),
            missing=stored.get("missing", {}),
            shortened=stored.get("shortened", {}),
            ignored_columns=tuple(stored.get("ignored_columns", ())),
            findings=stored.get("findings", {}),
        )

    def in_words(self) -> list[tuple[str, int]]:
        """Findings above zero, largest first, as sentences without their number."""
        worded = ((FINDINGS.get(code, code), count) for code, count in self.findings.items() if count)
        return sorted(worded, key=lambda pair: -pair[1])


@dataclass
class HealthCount:
    """An :class:`ImportHealth` while it is counted, chunk by chunk."""

    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    shortened: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    ignored_columns: tuple[str, ...] = ()

    def done(self) -> ImportHealth:
        """The counts, frozen; columns that miss nothing are named with 0."""
        findings = {code: count for code, count in self.findings.items() if count}
        return ImportHealth(self.rows, dict(self.missing), dict(self.shortened), self.ignored_columns, findings)
