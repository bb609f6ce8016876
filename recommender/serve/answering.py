"""From a request to its answer."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime

import numpy as np

from recommender import diversity, live, rules, served, state, stopwatch
from recommender.dataset import subject as subject_name
from recommender.live import Subject
from recommender.ranked import Ranked, Trace
from recommender.serve.answer import Answer
from recommender.serve.case import Case, case_of
from recommender.serve.for_rules import behind_walls, with_pins
from recommender.serve.items import items_of
from recommender.serve.request import Request
from recommender.serve.strategies import Strategies
from recommender.state import State

#: NumPy lets go of the interpreter lock in every larger call, so several lists made at once by the threads of a process
#: only take it from each other, hundreds of times a list. One after the other each is sooner done, the last one too.
_turn = threading.Lock()


def recommend(request: Request) -> Answer:
    """Answer; raises ``UnknownPlacement`` and nothing else that is foreseen."""
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
            _record(request, answer)
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
    case = case_of(request, held, subject, at)
    strategies = Strategies(case, personal)
    with stopwatch.step("rank"):
        ranked, fallback = strategies.ranked()
    with stopwatch.step("rules"):
        ranked, trace = _by_rules(ranked, strategies)
    with stopwatch.step("diversity"):
        ranked, trace = _varied(ranked, trace, case)
    shown = ranked.take(np.arange(min(case.n, len(ranked))))
    with stopwatch.step("reasons"):
        items = items_of(case, shown, trace, strategies.scored)
    model = held.model
    return Answer(
        recommendation_id=f"rec_{secrets.token_urlsafe(16)}",
        placement=request.placement,
        model_version=model.version if model else None,
        fallback=fallback,
        degraded=degraded,
        as_of=datetime.fromtimestamp(at, UTC),
        items=items,
        empty_because=None if items else case.why_empty(by_rules=bool(trace.removed)),
        generation=model.pointer.generation if model else None,
        run=model.pointer.run if model else None,
        segment=case.segment,
        candidates=len(ranked),
        removed={held.catalogue.shelf.external_ids[item]: rule for item, rule in trace.removed.items()},
        explained=request.explain,
        experiment=case.experiment,
    )


def _by_rules(ranked: Ranked, strategies: Strategies) -> tuple[Ranked, Trace]:
    """The list under the rules; what they bring in is ranked first."""
    case = strategies.case
    context = case.context
    ranked = behind_walls(ranked, strategies, context)
    return rules.apply(with_pins(ranked, case, context), case.rules, context, told=case.n)


def _varied(ranked: Ranked, trace: Trace, case: Case) -> tuple[Ranked, Trace]:
    """The list with its categories varied as the placement wants it."""
    kinds = case.catalogue.shelf.category.codes
    varied = diversity.apply(ranked, kinds, case.slot.diversity, pinned=trace.pinned, told=case.n)
    return varied.ranked, diversity.told(trace, varied) if case.request.explain else trace


def _record(request: Request, answer: Answer) -> None:
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
            "experiment": answer.experiment or "",
            "source": request.source,
        }
    )
