"""A reason, and the facts that bear it out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """One event, or a neighbour product (its ``kind`` in words: "goes with"), that bears a reason out."""

    kind: str
    product: str
    at: datetime | None = None

    def __str__(self) -> str:
        when = f" at {self.at.isoformat(timespec='seconds').removesuffix('+00:00')}Z" if self.at else ""
        return f"{self.kind} {self.product}{when}"


class Reason(NamedTuple):
    """``text`` speaks to the shopper, ``chip`` (≤ 28 characters) to the merchandiser, of "they"."""

    code: str
    text: str
    chip: str
    evidence: tuple[Fact, ...] = ()

    @property
    def told(self) -> str:
        """``text`` as said to the merchandiser: "They buy this about every 9 days"."""
        text = self.text
        for pattern, words in _TOLD:
            text = pattern.sub(words, text)
        return text

    def to_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        return {"code": self.code, "text": self.text, "evidence": [str(fact) for fact in self.evidence]}


#: Where a text speaks to the shopper: at its beginning or end, never inside, where a product's name may say "you".
_TOLD = (
    (re.compile(r"^You\b"), "They"),
    (re.compile(r"^One of your\b"), "One of their"),
    (re.compile(r"^Picked for you\b"), "Picked for them"),
    (re.compile(r"\binto your basket$"), "into their basket"),
    (re.compile(r", which you chose$"), ", which they chose"),
)
