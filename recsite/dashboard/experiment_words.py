"""Experiments in words: what decides, what the figures say, what differs between two setups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.experiment_results import Measure, Results
from recommender.experiment_statistics import LEAST, MISMATCH, Difference
from recommender.models import Experiment
from recsite.dashboard import numbers, placement_words

Goal = Experiment.Goal
#: What can decide, as a choice and as the name of a row.
GOALS = {
    "clicks": "Clicked of what is shown",
    "buyers": "Shoppers who bought something recommended",
    "revenue": "Revenue of recommendations, a shopper",
    "spent": "Spent on anything, a shopper",
}
RATES = frozenset({"clicks", "buyers"})  # the others are money
_CLAIMS = {
    "clicks": ("B is clicked {} more", "B is clicked {} less"),
    "buyers": (
        "With B {} more shoppers buy something recommended",
        "With B {} fewer shoppers buy something recommended",
    ),
    "revenue": (
        "With B recommendations earn {} more of each shopper",
        "With B recommendations earn {} less of each shopper",
    ),
    "spent": ("With B shoppers spend {} more", "With B shoppers spend {} less"),
}
_NOTHING = {
    "clicks": "Open: nothing was clicked yet in either.",
    "buyers": "Open: nobody bought anything recommended yet in either.",
    "revenue": "Open: recommendations earned nothing yet in either.",
    "spent": "Open: nobody spent anything yet in either.",
}
#: Of the product's own way of counting, beneath every table of measures.
INTERVALS = (
    "The 95 % intervals hold however often one looks: an experiment may be ended on the day that a difference is told."
)


@dataclass(frozen=True)
class Verdict:
    """``short`` for a table, ``text`` a sentence; ``better`` a, b or empty: that is open."""

    short: str
    text: str
    better: str = ""


def verdict(measure: Measure, currency: str) -> Verdict:
    """What one measure says."""
    a, b, found = measure.a, measure.b, measure.difference
    if not a.n and not b.n:
        text = f"Too early: no list was answered yet; from {LEAST} shoppers in each arm on differences are told."
        return Verdict("too early", text)
    if min(a.n, b.n) < LEAST:
        counts = f"{numbers.count(a.n)} and {numbers.count(b.n)}"
        return Verdict("too early", f"Too early: {counts} shoppers; from {LEAST} in each arm on differences are told.")
    if found is None:
        return Verdict("no data", "No data: nobody looked at the lists of one of the two yet.")
    if measure.better:
        claim = _CLAIMS[measure.goal][measure.better == "a"]
        text = f"{claim.format(_size(measure.goal, found, currency))} ({_span(measure.goal, found, currency)})"
        return Verdict(f"{measure.better.upper()} is better", f"{text}: more than chance.", measure.better)
    if is_nothing(measure):
        return Verdict("nothing yet", _NOTHING[measure.goal])
    return Verdict("open", f"Open: so far only a difference above ±{_half(measure.goal, found, currency)} would show.")


def is_nothing(measure: Measure) -> bool:
    """Whether there is nothing to compare: too few shoppers, or none of them did anything in either arm."""
    return measure.difference is None or (not measure.a.value and not measure.b.value)


def alarm(experiment: Experiment, found: Results) -> str:
    """Why nothing of an experiment may be believed; empty where chance alone may have shared out the shoppers."""
    if found.is_sound:
        return ""
    whole = found.a.subjects + found.b.subjects
    share = numbers.percent(found.b.subjects / whole, 1)
    return (
        f"{experiment.share}{numbers.THIN}% of the shoppers should get B, {share} did "
        f"({numbers.count(found.b.subjects)} of {numbers.count(whole)}). Chance does that less than once in "
        f"{numbers.count(1 / MISMATCH)} experiments, so something shares them out wrongly: "
        "do not trust the figures below."
    )


def value(goal: str, of: float | None, currency: str) -> str:
    """One arm's figure."""
    if of is None:
        return "no data"
    return numbers.percent(of) if goal in RATES else numbers.price(of, currency)


def amount(goal: str, change: float, currency: str) -> str:
    """A difference without its sign: points of a rate, money."""
    return numbers.points(change) if goal in RATES else numbers.price(abs(change), currency)


def signed(goal: str, change: float, currency: str) -> str:
    """A difference with its sign."""
    return f"{'+' if change > 0 else numbers.MINUS if change < 0 else ''}{amount(goal, change, currency)}"


def share(fraction: float) -> str:
    """A relative difference without its sign: ``12 %``, below ten ``3.4 %``."""
    size = abs(fraction)
    return numbers.percent(size, 0 if size >= 0.095 else 1)


def signed_share(fraction: float) -> str:
    return f"{'+' if fraction > 0 else numbers.MINUS if fraction < 0 else ''}{share(fraction)}"


def _size(goal: str, found: Difference, currency: str) -> str:
    relative = found.relative
    return share(relative[0]) if relative else amount(goal, found.value, currency)


def _span(goal: str, found: Difference, currency: str) -> str:
    """``between 3.0 % and 21 %``, the smaller size first."""
    relative = found.relative
    if relative:
        low, high = (share(one) for one in sorted(relative[1:], key=abs))
    else:
        low, high = (amount(goal, one, currency) for one in sorted((found.low, found.high), key=abs))
    return f"between {low} and {high}"


def _half(goal: str, found: Difference, currency: str) -> str:
    half = (found.high - found.low) / 2
    return share(half / found.base) if found.base > 0 else amount(goal, half, currency)


# --- Setups ---


@dataclass(frozen=True)
class Line:
    """One thing that is set, in A and in B."""

    label: str
    a: str
    b: str

    @property
    def differs(self) -> bool:
        return self.a != self.b


def lines(before: Mapping[str, Any], setup: Mapping[str, Any], currency: str) -> list[Line]:
    """Both setups, everything that an experiment can try."""
    a, b = placement_words.parts(before, currency), placement_words.parts(setup, currency)
    return [Line(label, text, b[label]) for label, text in a.items() if label not in {"Title", "State"}]


def differences(experiment: Experiment, currency: str) -> list[str]:
    """``Variety: Off → Gentle``, a line for each."""
    return placement_words.differences(experiment.before, experiment.setup, currency)
