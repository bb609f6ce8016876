"""What stands in for a missing value, in words: by the report of the run that serves, which tells what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.models import Switch
from recsite.dashboard import numbers

#: What each strategy of ``recommender.engine.impute`` does, in words.
IMPUTED = {
    "indicator": "Left empty; “missing” is a value of its own",
    "drop": "Not used at all",
    "mean": "The mean of the others",
    "median": "The median of the others",
    "most_frequent": "The most frequent value",
    "knn": "Taken from the most similar ones",
    "iterative": "Guessed from everything else",
}
#: Columns that no model learns from, or for which something else stands in first.
INSTEAD = {
    "title": "Shown by its number",
    "stock": "Counts as in stock",
    "tags": "Met by no rule on tags",
    "description": "Similar by its title alone",
    "image_url": "A drawn tile",
    "price": "The mean of what was paid, else:",
}


@dataclass(frozen=True)
class Filling:
    """What the serving run ``run`` (0: none serves) did with gaps: ``told`` is its report by attribute, as
    ``engine.impute_effect.report`` writes it."""

    run: int = 0
    told: Mapping[str, Any] = field(default_factory=dict)

    def instead_of(self, name: str) -> str:
        """What happens where the attribute is missing; what the report does not name was left empty."""
        first = INSTEAD.get(name, "")
        if first and not first.endswith(":"):
            return first
        strategy = str(self._of(name).get("applied") or "indicator")
        learned = IMPUTED.get(strategy, strategy)
        return f"{first} {learned[:1].lower()}{learned[1:]}" if first else learned

    def note(self, name: str) -> str:
        """How many values model 3 filled; empty where it filled none or the column is not learned from."""
        told = self._of(name)
        filled = next(
            (one.get("filled") for one in told.get("strategies", ()) if one["strategy"] == told["applied"]), 0
        )
        return f"{numbers.count(filled)} filled by model {self.run}" if filled else ""

    def _of(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.told.get(name) or {}
        return found


def in_force() -> Filling:
    """That of the run that serves: one query."""
    columns = ("generation__run_id", "generation__run__metrics__imputation")
    run, told = Switch.objects.values_list(*columns).first() or (0, None)
    return Filling(run, told or {})
