"""What a rule says: every field that a person writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from recommender import compiled_rules
from recommender.compiled_rules import CompiledRule
from recommender.models import Rule


@dataclass(frozen=True)
class Wording:
    """What a rule says: every field that a person writes."""

    name: str
    verb: str
    condition: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    placements: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    priority: int = 50
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As ``RuleVersion.wording`` keeps it."""
        return {
            "name": self.name,
            "verb": self.verb,
            "condition": dict(self.condition),
            "parameters": dict(self.parameters),
            "placements": list(self.placements),
            "segments": list(self.segments),
            "starts_at": self.starts_at.isoformat() if self.starts_at else None,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
            "priority": self.priority,
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Wording:
        """The inverse of :meth:`to_dict`; what is not a wording's (the status) is left out."""
        known = {name: values[name] for name in _FIELDS if name in values}
        for name in ("starts_at", "ends_at"):
            known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
        for name in ("placements", "segments"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)

    def compiled(self, pk: int = 0) -> CompiledRule:
        """Ready to run, as the rule ``pk`` (0: one that is not stored); raises ``ConditionError``."""
        values = {**self.to_dict(), "id": pk}
        for name in ("starts_at", "ends_at"):
            at: datetime | None = getattr(self, name)
            values[name] = at.timestamp() if at else None
        return compiled_rules.from_dict(values)


_FIELDS = tuple(f.name for f in fields(Wording))


def wording_of(rule: Rule) -> Wording:
    """What the rule says now."""
    values = {name: getattr(rule, name) for name in _FIELDS}
    lists = {name: tuple(values[name]) for name in ("placements", "segments")}
    return Wording(**{**values, **lists, "verb": str(rule.verb)})
