"""The places of a list: each product with its score, its reason and, where asked, what made the score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recommender import explain
from recommender.artifacts import AnyRanker
from recommender.dataset import DAY, no_events
from recommender.explain import Contribution, Neighbours, Reason, Shopping
from recommender.live import Subject
from recommender.ranked import Ranked, Step, Trace
from recommender.serve.answer import Item
from recommender.serve.case import Case

TRENDING = 50  # products that "sell fast now"


def items_of(case: Case, shown: Ranked, trace: Trace, scored: Sequence[Ranked]) -> tuple[Item, ...]:
    """An item for each place of ``shown``; ``scored``: what the ranker has scored already, by ascending item."""
    if not len(shown):
        return ()
    shopping = _shopping(case, shown.items)
    chances = _chances(case.subject, shown.items, scored)
    parts = _contributions(case.subject, shown.items) if case.request.explain else {}
    found = []
    for place, item in enumerate(shown.items.tolist()):
        steps = trace.of(item)
        found.append(
            Item(
                product=case.catalogue.shelf.external_ids[item],
                product_id=int(case.catalogue.product_ids[item]),
                position=place + 1,
                score=chances[place],
                reason=_reason(item, steps, shopping),
                rule=trace.rule_of(item),
                contributions=tuple(parts.get(item, ())),
                trace=steps,
            )
        )
    return tuple(found)


def _reason(item: int, steps: Sequence[Step], shopping: Shopping) -> Reason:
    """The rule that lifted it, else what the shopper did."""
    lifted = [step for step in steps if step.changed and step.verb in ("pin", "boost")]
    return explain.by_rule(lifted[-1].name, lifted[-1].verb) if lifted else explain.reason(item, shopping)


def _chances(subject: Subject | None, items: np.ndarray, scored: Sequence[Ranked]) -> list[float | None]:
    """The calibrated chance of each item, None where there is no score; what was not scored yet is scored now."""
    if subject is None:
        return [None] * len(items)
    raw, missing = np.full(len(items), np.nan, np.float32), np.ones(len(items), bool)
    for held in scored:
        place = np.minimum(np.searchsorted(held.items, items), max(len(held) - 1, 0))
        known = held.items[place] == items if len(held) else np.zeros(len(items), bool)
        raw[known], missing[known] = held.scores[place[known]], False
    if missing.any():
        raw[missing] = subject.score(items[missing])
    finite = np.isfinite(raw)
    chance = subject.model.ranker.probability(np.where(finite, raw, 0))
    return [value if known else None for value, known in zip(chance.tolist(), finite.tolist(), strict=True)]


def _contributions(subject: Subject | None, items: np.ndarray) -> dict[int, list[Contribution]]:
    """By item, what each group of features added; empty for a ranker without features."""
    ranker = subject.model.ranker if subject else None
    if subject is None or ranker is None or not hasattr(ranker, "explain"):
        return {}
    known = items[items < ranker.n_items]
    told = ranker.explain(subject.histories, np.array([0, len(known)]), known, subject.now)
    return {item: explain.contributions(told, row) for row, item in enumerate(known.tolist())}


def _shopping(case: Case, shown: np.ndarray) -> Shopping:
    """The case as reasons see it."""
    subject = case.subject
    return Shopping(
        events=subject.history.events if subject else no_events(),
        kinds=subject.model.vocabulary.kinds.names if subject else (),
        now=subject.now if subject else case.at / DAY,
        shelf=case.catalogue.shelf,
        titles=case.catalogue.titles,
        neighbours=_neighbours_by(subject.model.ranker if subject else None),
        anchors=case.anchors,
        strategy=case.slot.strategy,
        trending=frozenset(case.ranking("trend")[:TRENDING].tolist()),
        shown=shown,
    )


def _neighbours_by(ranker: AnyRanker | None) -> Neighbours:
    """The ranker's neighbours; none at all where it does not know one of the items."""

    def neighbours(items: np.ndarray, k: int, table: str) -> tuple[np.ndarray, np.ndarray]:
        if ranker is None or (items >= ranker.n_items).any():
            return np.full((len(items), 1), -1, np.int32), np.zeros((len(items), 1), np.float32)
        return ranker.neighbours(items, k, table=table)

    return neighbours
