"""What the gate said of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from recommender.models import TrainingRun
from recsite.dashboard.components import Action, Badge
from recsite.dashboard.runs import title_of

_CHECKS = {
    "finite": "Every score is a number",
    "artifact": "The stored model is the trained one",
    "distinct": "Lists differ from shopper to shopper",
    "measured": "Was measured on later days",
    "baseline ALL": "As good as every baseline, any product",
    "baseline NEW": "As good as every baseline, new products",
    "serving": "As good as what serves",
    "serving ALL": "As good as what serves, any product",
    "serving NEW": "As good as what serves, new products",
    "slices": "No group of shoppers is far worse off",
}


@dataclass(frozen=True)
class Checked:
    """One condition of the gate: its name in words, whether it held, and what was expected and found."""

    title: str
    passed: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: ``badge``, a sentence, every check, and what can be done now."""

    template: ClassVar[str] = "partials/verdict.html"
    title: str
    badge: Badge
    summary: str
    checks: Sequence[Checked]
    actions: Sequence[Action] = ()
    note: str = ""


def verdict_of(run: TrainingRun, *, actions: Sequence[Action] = (), note: str = "") -> Verdict | None:
    """None before the gate has spoken."""
    told = run.verdict or {}
    if not told:
        return None
    published = str(told.get("published") or "")
    if published:
        note = f"Nothing served yet, so {published.replace('_', ' ')} of this run was published instead. {note}".strip()
    return Verdict(
        title=f"Gate for {title_of(run).lower()}",
        badge=Badge("passed", "good") if told.get("passed") else Badge("refused", "bad"),
        summary=str(told.get("summary") or ""),
        checks=[_check(check) for check in told.get("checks", ())],
        actions=actions,
        note=note,
    )


def _check(check: Mapping[str, Any]) -> Checked:
    name = str(check.get("name", ""))
    title = _CHECKS.get(name, name.replace("_", " ").capitalize())
    return Checked(title, bool(check.get("passed")), str(check.get("text", "")))
