"""The one code path of every list: API, preview and export.

    one round trip to Redis → state → candidates → live scores → fallbacks in order → rules → diversity → answer

NumPy only and no SQL, except for an answer as of a past time. A part that is ill shortens the path and is named
(``degraded``); somebody of whom nothing is known takes the placement's fallbacks, and the first that has anything is
named (``fallback``). The list is empty only where no product passes what was asked, and then it says so.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from recommender import diversity, explain, live, rules, served, state, stopwatch, walls
from recommender.catalogue import Catalogue
from recommender.compiled_rules import CompiledRule, Context
from recommender.conditions import Condition, ConditionError
from recommender.dataset import no_events
from recommender.dataset import subject as subject_name
from recommender.explain import Contribution, Reason, Shopping
from recommender.live import Subject
from recommender.rules import Ranked, Trace
from recommender.state import State
from recommender.steering import Slot

ENOUGH = 100  # ranked before rules look at them, beyond what was asked for
NEIGHBOURS = 100
TRENDING = 50  # products that "sell fast now"
METHOD = "leave a group of features out: how much lower the score is without it"
#: NumPy lets go of the interpreter lock in every larger call, so several lists made at once by the threads of a process
#: only take it from each other, hundreds of times a list. One after the other each is sooner done, the last one too.
_turn = threading.Lock()
BUILT_IN = {
    "home": Slot("home", "personal", fallbacks=("trending", "popular")),
    "similar": Slot("similar", "similar", fallbacks=("bought_together", "personal", "trending", "popular")),
    "bought-together": Slot(
        "bought-together", "bought_together", fallbacks=("similar", "personal", "trending", "popular")
    ),
    "basket": Slot("basket", "basket", fallbacks=("personal", "trending", "popular")),
    "trending": Slot("trending", "trending", fallbacks=("popular",)),
    "buy-again": Slot("buy-again", "buy_again", fallbacks=("personal", "trending", "popular")),
    "recently-viewed": Slot("recently-viewed", "recently_viewed", fallbacks=("personal", "trending", "popular")),
}


class UnknownPlacement(LookupError):
    """There is no active placement of that name."""


@dataclass(frozen=True)
class Request:
    """What is asked. ``rules`` None: the live ones; ``generation`` and ``rules`` are for previews, as are
    ``segment``, ``slot`` (a placement as it would be) and a later ``as_of`` (for scheduled rules)."""

    shopper: str | None = None
    visitor: str | None = None
    placement: str = "home"
    n: int | None = None
    products: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    filters: Condition | None = None
    explain: bool = False
    as_of: datetime | None = None
    record: bool = True
    source: str = "api"
    rules: tuple[CompiledRule, ...] | None = None
    generation: int | None = None
    segment: str | None = None
    new_only: bool = False
    slot: Slot | None = None

    @property
    def who(self) -> tuple[str, str | None]:
        """Kind and id; ("nobody", None) where neither was named."""
        if self.shopper is not None:
            return "shopper", self.shopper
        return ("visitor", self.visitor) if self.visitor is not None else ("nobody", None)


@dataclass(frozen=True)
class Item:
    """One place of a list. ``score``: calibrated chance, None for a product the model does not know."""

    product: str
    product_id: int
    position: int
    score: float | None
    reason: Reason
    rule: int | None = None
    contributions: tuple[Contribution, ...] = ()
    trace: tuple[rules.Step, ...] = ()

    def to_dict(self, *, explained: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "product": self.product,
            "position": self.position,
            "score": None if self.score is None else round(self.score, 4),
            "reason": self.reason.to_dict(),
            "rule": self.rule,
        }
        if explained:
            shown["contributions"] = [
                {"group": c.group, "words": c.words, "value": round(c.value, 4)} for c in self.contributions
            ]
            shown["trace"] = [step.to_dict() for step in self.trace]
        return shown


@dataclass(frozen=True)
class Answer:
    """A list as the API answers it (``to_dict``), and what feedback and the preview need beside it."""

    recommendation_id: str
    placement: str
    model_version: str | None
    fallback: str | None
    degraded: bool
    as_of: datetime
    items: tuple[Item, ...]
    empty_because: str | None = None
    generation: int | None = None
    run: int | None = None
    segment: str = ""
    candidates: int = 0
    removed: dict[str, int] = field(default_factory=dict)  # product → the rule that removed it
    explained: bool = False

    def to_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "recommendation_id": self.recommendation_id,
            "placement": self.placement,
            "model_version": self.model_version,
            "experiment": None,
            "fallback": self.fallback,
            "degraded": self.degraded,
            "as_of": self.as_of.isoformat().replace("+00:00", "Z"),
            "items": [item.to_dict(explained=self.explained) for item in self.items],
        }
        if self.empty_because:
            shown["empty_because"] = self.empty_because
        if self.explained:
            shown["method"] = METHOD
        return shown


def recommend(request: Request) -> Answer:
    """Answer; raises :class:`UnknownPlacement` and nothing else that is foreseen."""
    kind, external_id = request.who
    at = time.time() if request.as_of is None else request.as_of.timestamp()
    name = subject_name(kind, external_id) if external_id else None
    held = state.current()
    generation = request.generation or held.generation
    with stopwatch.step("read"):
        reading = live.read(name, generation)
        if reading:
            held = state.sync(reading)
    degraded = reading is None or (held.model is not None and reading.pointer is None)
    if request.generation:
        held = state.with_model(held, request.generation)
    elif held.generation != generation:
        reading = live.read(name, held.generation)  # it was swapped in between: never two generations in one list
    if request.as_of is not None and at < time.time():
        subject = live.subject_as_of(held, kind, external_id, request.as_of)
    else:
        subject = live.subject_now(held, name, reading, at)
    with _turn:
        answer = answer_for(request, held, subject, at=at, degraded=degraded)
    if request.record:
        with stopwatch.step("record"):
            record(request, answer, held)
    return answer


def answer_for(
    request: Request,
    held: State,
    subject: Subject | None,
    *,
    at: float,
    degraded: bool = False,
    personal: Ranked | None = None,
) -> Answer:
    """The answer to ``subject`` (None: no model serves). ``personal``: the ranking of a batch, made already."""
    slot = request.slot or slot_of(held, request.placement)
    n = request.n or slot.n
    kitchen = _Kitchen(request, held, subject, slot, at, personal)
    with stopwatch.step("rank"):
        ranked, fallback = kitchen.ranked(n)
    segment = request.segment if request.segment is not None else subject.segment if subject else ""
    context = Context(held.catalogue.shelf, request.placement, at, segment, kitchen.allowed)
    live_rules = held.rules if request.rules is None else request.rules
    with stopwatch.step("rules"):
        ranked = kitchen.behind_walls(ranked, live_rules, context, n)
        ranked, trace = rules.apply(kitchen.with_pins(ranked, live_rules, context), live_rules, context, told=n)
    with stopwatch.step("diversity"):
        kinds = held.catalogue.shelf.category.codes
        varied = diversity.apply(ranked, kinds, slot.diversity, pinned=trace.pinned, told=n)
        ranked, trace = varied.ranked, diversity.told(trace, varied) if request.explain else trace
    shown = ranked.take(np.arange(min(n, len(ranked))))
    with stopwatch.step("reasons"):
        items = kitchen.items(shown, trace)
    model = held.model
    return Answer(
        recommendation_id=f"rec_{secrets.token_urlsafe(16)}",
        placement=request.placement,
        model_version=model.version if model else None,
        fallback=fallback,
        degraded=degraded,
        as_of=datetime.fromtimestamp(at, UTC),
        items=items,
        empty_because=None if items else kitchen.why_empty(bool(trace.removed)),
        generation=model.pointer.generation if model else None,
        run=model.pointer.run if model else None,
        segment=segment,
        candidates=len(ranked),
        removed={held.catalogue.shelf.external_ids[item]: rule for item, rule in trace.removed.items()},
        explained=request.explain,
    )


def slot_of(held: State, placement: str) -> Slot:
    """The placement; while none could be read at all, the built-in ones."""
    slots = held.slots or BUILT_IN
    if placement not in slots:
        raise UnknownPlacement(placement)
    return slots[placement]


class _Kitchen:
    """One answer in the making: what is allowed, what each strategy ranks, reasons."""

    def __init__(
        self,
        request: Request,
        held: State,
        subject: Subject | None,
        slot: Slot,
        at: float,
        personal: Ranked | None,
    ) -> None:
        self.request, self.held, self.subject, self.slot, self.at = request, held, subject, slot, at
        self.catalogue: Catalogue = held.catalogue
        self.given = personal
        self.anchors = self.catalogue.shelf.codes_of(request.products)
        self.allowed = self._allowed()
        self.scored: list[Ranked] = []  # what was scored for ranking, by ascending item

    def _allowed(self) -> np.ndarray:
        """bool [n]: for sale, not excluded, not dismissed, not the anchor itself, and as the filters say."""
        allowed = self.catalogue.sellable.copy()
        shelf = self.catalogue.shelf
        if self.request.exclude:
            allowed[shelf.codes_of(self.request.exclude)] = False
        allowed[self.anchors] = False
        if self.subject:
            allowed[self.subject.dismissed] = False
            if self.request.new_only:
                allowed[self.subject.history.events.item] = False
        for condition in self._filters():
            left = np.flatnonzero(allowed)
            allowed[left] = condition.matches(shelf, left, at=self.at)
        return allowed

    def _filters(self) -> list[Condition]:
        found = [] if self.request.filters is None else [self.request.filters]
        if self.slot.filters:
            # The form that stores them refuses what cannot be read; an answer must not fall over it.
            with contextlib.suppress(ConditionError):
                found.append(Condition.from_filter(self.slot.filters))
        return found

    def ranked(self, n: int) -> tuple[Ranked, str | None]:
        """Strategy and fallbacks, one behind the other, until there is enough; and which fallback began the list."""
        items, scores, began = np.zeros(0, np.int64), np.zeros(0, np.float32), None
        for step in dict.fromkeys((self.slot.strategy, *self.slot.fallbacks, "popular")):
            found = self._step(step, n + ENOUGH)
            fresh = self.allowed[found.items]
            if len(items):
                fresh &= ~np.isin(found.items, items)
            if fresh.any() and began is None:
                began = step
            items = np.concatenate([items, found.items[fresh]])
            scores = np.concatenate([scores, found.scores[fresh]])
            if len(items) >= n and (step != self.slot.strategy or len(items) >= n + 10):
                break
        if len(items) < n:  # never empty while there is a product to sell
            rest = self.allowed.copy()
            rest[items] = False
            more = self.catalogue.best(self.catalogue.popularity, n - len(items), rest)
            items = np.concatenate([items, more])
            scores = np.concatenate([scores, np.full(len(more), np.nan, np.float32)])
            began = began or ("popular" if len(more) else None)
        return Ranked(items, scores), None if began == self.slot.strategy else began

    def behind_walls(self, ranked: Ranked, live_rules: Sequence[CompiledRule], context: Context, n: int) -> Ranked:
        """Where only and exclude rules would leave less than a list of what is ranked, what they let through and sells
        best stands behind it, by the shopper's own score where the placement goes by that: a narrow rule still fills
        the list."""
        found = walls.in_scope(live_rules, context)
        if not found or np.count_nonzero(walls.let_through(found, context, ranked.items)) >= n:
            return ranked
        rest = self.allowed.copy()
        rest[ranked.items] = False
        left = np.flatnonzero(rest)
        rest[left] = walls.let_through(found, context, left)
        more = self.catalogue.best(self.catalogue.popularity, n + ENOUGH, rest)
        own = self.slot.strategy == "personal" and self.subject is not None and self.subject.known
        behind = self._scored(more) if own else _none(more)
        return Ranked(np.concatenate([ranked.items, behind.items]), np.concatenate([ranked.scores, behind.scores]))

    def with_pins(self, ranked: Ranked, live_rules: Sequence[CompiledRule], context: Context) -> Ranked:
        """Products that pins name are ranked too, at the end, so that the rule finds them."""
        if not live_rules:
            return ranked
        named = rules.named_by_pins(live_rules, context)
        more = named[self.allowed[named] & ~np.isin(named, ranked.items)]
        return Ranked(np.concatenate([ranked.items, more]), np.concatenate([ranked.scores, _none(more).scores]))

    def _step(self, step: str, k: int) -> Ranked:
        makers: dict[str, Callable[[int], Ranked]] = {
            "personal": self._personal,
            "similar": lambda k: self._near(k, "similar"),
            "bought_together": lambda k: self._near(k, "bought_together"),
            "basket": lambda k: self._near(k, "bought_together"),
            "trending": lambda k: self._common(k, "trend"),
            "popular": lambda k: self._common(k, "popularity"),
            "buy_again": self._buy_again,
            "recently_viewed": self._recently_viewed,
        }
        return makers[step](k)

    def _personal(self, k: int) -> Ranked:
        if self.given is not None:
            self.scored.append(self.given.take(np.argsort(self.given.items)))
            return self.given
        if self.subject is None or not self.subject.known:
            return _none()
        return self._scored(self.subject.candidates())

    def _scored(self, items: np.ndarray) -> Ranked:
        """``items`` by the ranker's score, best first."""
        if self.subject is None:
            return _none()
        items = np.sort(items[self.allowed[items]])
        scored = Ranked(items, self.subject.score(items))
        self.scored.append(scored)
        return scored.take(np.argsort(-scored.scores, kind="stable"))  # NaN last, equals by item

    def _near(self, k: int, table: str) -> Ranked:
        """Neighbours of the anchors, their weights added up."""
        if self.subject is None or not len(self.anchors):
            return _none()
        ranker = self.subject.model.ranker
        anchors = self.anchors[self.anchors < ranker.n_items]
        if not len(anchors):
            return _none()
        codes, weights = ranker.neighbours(anchors, NEIGHBOURS, table=table)
        real = codes.ravel() >= 0
        items, place = np.unique(codes.ravel()[real].astype(np.int64), return_inverse=True)
        total = np.bincount(place, weights.ravel()[real], minlength=len(items))
        order = np.lexsort((items, -total))[:k]
        # Ranked by weight; the unit of a score is the ranker's, so that rules move these like any other.
        return Ranked(items[order], total[order].astype(np.float32))

    def _common(self, k: int, column: str) -> Ranked:
        """The same for everybody: what sells lately, or at all."""
        order = self.catalogue.ranking(column)
        if self.subject is not None:
            order = np.concatenate([self.subject.model.ranking(column), order])
        return _none(_first(order[self.allowed[order]], k))

    def _buy_again(self, k: int) -> Ranked:
        """What was bought before; in a shop without purchases, what was had at all."""
        if self.subject is None:
            return _none()
        bought = self.subject.of_kind("purchase")
        return self._scored(bought[:500]) if len(bought) else _none()

    def _recently_viewed(self, k: int) -> Ranked:
        if self.subject is None:
            return _none()
        return _none(self.subject.of_kind("view", "click", "cart", "favourite", "rate")[:k])

    def items(self, shown: Ranked, trace: Trace) -> tuple[Item, ...]:
        """The places of the list with score, reason and, where asked, contributions."""
        if not len(shown):
            return ()
        shopping = self._shopping(shown.items)
        scores = self._probabilities(shown.items)
        parts = self._contributions(shown.items) if self.request.explain else {}
        found = []
        for place, item in enumerate(shown.items.tolist()):
            steps = trace.of(item)
            lifted = [step for step in steps if step.changed and step.verb in ("pin", "boost")]
            reason = explain.by_rule(lifted[-1].name, lifted[-1].verb) if lifted else explain.reason(item, shopping)
            found.append(
                Item(
                    product=self.catalogue.shelf.external_ids[item],
                    product_id=int(self.catalogue.product_ids[item]),
                    position=place + 1,
                    score=scores[place],
                    reason=reason,
                    rule=trace.rule_of(item),
                    contributions=tuple(parts.get(item, ())),
                    trace=steps,
                )
            )
        return tuple(found)

    def _probabilities(self, items: np.ndarray) -> list[float | None]:
        if self.subject is None:
            return [None] * len(items)
        raw, missing = np.full(len(items), np.nan, np.float32), np.ones(len(items), bool)
        for scored in self.scored:
            place = np.minimum(np.searchsorted(scored.items, items), max(len(scored) - 1, 0))
            known = scored.items[place] == items if len(scored) else np.zeros(len(items), bool)
            raw[known], missing[known] = scored.scores[place[known]], False
        if missing.any():
            raw[missing] = self.subject.score(items[missing])
        finite = np.isfinite(raw)
        chance = self.subject.model.ranker.probability(np.where(finite, raw, 0))
        return [value if known else None for value, known in zip(chance.tolist(), finite.tolist(), strict=True)]

    def _contributions(self, items: np.ndarray) -> dict[int, list[Contribution]]:
        ranker = self.subject.model.ranker if self.subject else None
        if self.subject is None or ranker is None or not hasattr(ranker, "explain"):
            return {}
        known = items[items < ranker.n_items]
        told = ranker.explain(self.subject.histories, np.array([0, len(known)]), known, self.subject.now)
        return {item: explain.contributions(told, row) for row, item in enumerate(known.tolist())}

    def _shopping(self, shown: np.ndarray) -> Shopping:
        subject = self.subject
        ranker = subject.model.ranker if subject else None

        def neighbours(items: np.ndarray, k: int, table: str) -> tuple[np.ndarray, np.ndarray]:
            known = items[items < (ranker.n_items if ranker else 0)]
            if ranker is None or len(known) < len(items):
                return np.full((len(items), 1), -1, np.int32), np.zeros((len(items), 1), np.float32)
            return ranker.neighbours(items, k, table=table)

        return Shopping(
            events=subject.history.events if subject else no_events(),
            kinds=subject.model.vocabulary.kinds.names if subject else (),
            now=subject.now if subject else self.at / 86_400,
            shelf=self.catalogue.shelf,
            titles=self.catalogue.titles,
            neighbours=neighbours,
            anchors=self.anchors,
            strategy=self.slot.strategy,
            trending=self.trending,
            shown=shown,
        )

    @property
    def trending(self) -> frozenset[int]:
        ranking = self.subject.model.ranking("trend") if self.subject else self.catalogue.ranking("trend")
        return frozenset(ranking[:TRENDING].tolist())

    def why_empty(self, removed: bool) -> str:
        if not len(self.catalogue):
            return "the catalogue is empty"
        if not self.catalogue.sellable.any():
            return "no product is for sale"
        if removed:
            return "the rules leave no product"
        return "no product passes the filters and exclusions"


def record(request: Request, answer: Answer, held: State) -> None:
    """On its way to ``ServedList``: best effort, never waited for."""
    kind, external_id = request.who
    served.outbox.add(
        {
            "recommendation_id": answer.recommendation_id,
            "at": answer.as_of.timestamp(),
            "shopper_kind": kind,
            "shopper_external_id": external_id or "",
            "placement": answer.placement,
            "generation": answer.generation,
            "run": answer.run,
            "products": [item.product_id for item in answer.items],
            "rules": [item.rule or 0 for item in answer.items],
            "segment": answer.segment[:40],
            "fallback": answer.fallback or "",
            "degraded": answer.degraded,
            "source": request.source,
        }
    )


def without_rules(request: Request) -> Request:
    """The same request with no rule in force."""
    return replace(request, rules=())


def _none(items: np.ndarray | None = None) -> Ranked:
    """Items in order without scores."""
    items = np.zeros(0, np.int64) if items is None else items.astype(np.int64)
    return Ranked(items, np.full(len(items), np.nan, np.float32))


def _first(items: np.ndarray, k: int) -> np.ndarray:
    """The first ``k`` different items, in their order."""
    _, first = np.unique(items, return_index=True)
    return items[np.sort(first)[:k]]
