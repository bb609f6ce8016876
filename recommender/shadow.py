"""Shadow: a model that is scored beside the one that serves, on lists that the shop asked for, and shown to nobody.

A worker takes a sample of the answered lists, reads each shopper's history as it was at that moment, and lets both
models rank the catalogue by it – without rules and placements, which are the same for both. What the two lists say
of each other and of what the shopper did afterwards: ``shadow_comparison``.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from django.db.models.functions import MD5

from behavior.models import Shopper
from recommender import artifacts, dataset, publish, state
from recommender.artifacts import AnyRanker
from recommender.dataset import DAY
from recommender.engine.artifact import ArtifactError
from recommender.models import Placement, ServedList, ShadowList, Switch, TrainingPlan, TrainingRun
from recommender.vocabulary import Vocabulary

log = logging.getLogger(__name__)

K = 10
#: Lists of one look, and the seconds after which it ends: a task must not be long.
BATCH, SECONDS = 200, 20.0
MOST_LISTS = 20_000


@dataclass(frozen=True)
class _Model:
    ranker: AnyRanker
    vocabulary: Vocabulary
    sellable: np.ndarray


# --- Scoring ---


def score_new() -> int:
    """Score a sample of the lists answered since the last look; returns how many. 0 where nothing is in shadow."""
    plan = TrainingPlan.objects.select_related("shadow_run").first()
    switch = publish.serving()
    if plan is None or plan.shadow_run is None or switch is None or switch.generation.run_id == plan.shadow_run_id:
        _load.cache_clear()
        return 0
    run = plan.shadow_run
    served = _sample(run, switch, plan.shadow_since)
    models = _models(run, switch) if served else None
    if models is None:
        return 0
    until, rows = time.monotonic() + SECONDS, []
    for shopper_id, answered in served:
        if time.monotonic() > until:
            break
        rows.append(_scored(run, switch, models, shopper_id, answered))
    return len(ShadowList.objects.bulk_create(rows, ignore_conflicts=True))


def _sample(run: TrainingRun, switch: Switch, since: datetime | None) -> list[tuple[int, ServedList]]:
    """Up to BATCH answered lists that nobody has scored, drawn evenly from those since the last scored one, with
    ``Shopper.id``."""
    scored = ShadowList.objects.filter(run=run)
    newest = scored.order_by("-at").values_list("at", flat=True).first() or since
    if newest is None or scored.count() >= MOST_LISTS:
        return []
    slots = Placement.objects.filter(strategy=Placement.Strategy.PERSONAL).values_list("slug", flat=True)
    answered = ServedList.objects.filter(
        at__gt=newest, generation=switch.generation_id, placement__in=list(slots), fallback="", degraded=False
    ).exclude(shopper_external_id="")
    chosen = list(answered.order_by(MD5("recommendation_id"))[:BATCH])
    names = {(row.shopper_kind, row.shopper_external_id) for row in chosen}
    people = Shopper.objects.filter(external_id__in=[name for _, name in names]).exclude(consent=False)
    ids = {(kind, name): pk for kind, name, pk in people.values_list("kind", "external_id", "pk")}
    found = [(ids.get((row.shopper_kind, row.shopper_external_id)), row) for row in chosen]
    # By time: a look that ends early leaves the later ones to the next.
    return sorted(((pk, row) for pk, row in found if pk is not None), key=lambda pair: pair[1].at)


def _models(run: TrainingRun, switch: Switch) -> tuple[_Model, _Model] | None:
    """The model in shadow and the one that serves; None where one cannot be read."""
    held = state.current().catalogue
    allowed = held.product_ids[held.sellable]
    stored = switch.generation.manifest
    try:
        files = [(run.artifact, run.artifact_sha256), (str(stored.get("artifact", "")), str(stored.get("sha256", "")))]
        loaded = [_load(*file) for file in files]
    except ArtifactError as error:
        log.warning("%s is not scored in shadow, for a model cannot be read: %s", run, error)
        return None
    shadow, serving = (_Model(r, v, np.isin(v.product_ids, allowed)) for r, v in loaded)
    return shadow, serving


@lru_cache(maxsize=2)
def _load(folder: str, sha256: str) -> tuple[AnyRanker, Vocabulary]:
    return artifacts.load(folder, sha256)


def _scored(
    run: TrainingRun, switch: Switch, models: tuple[_Model, _Model], shopper_id: int, answered: ServedList
) -> ShadowList:
    shadow, serving = (_ranked(model, shopper_id, answered.at) for model in models)
    return ShadowList(
        run=run,
        serving_run=switch.generation.run_id,
        recommendation_id=answered.recommendation_id,
        shopper_id=shopper_id,
        at=answered.at,
        shadow=shadow,
        serving=serving,
    )


def _ranked(model: _Model, shopper_id: int, at: datetime) -> list[int]:
    """``Product.id`` of the ten that the model would have shown at that moment."""
    until = at if model.vocabulary.timed else None
    history = dataset.read_histories([shopper_id], model.vocabulary, until=until).get(shopper_id)
    histories = dataset.as_histories([history or dataset.empty_history(model.vocabulary)], model.vocabulary)
    now = at.timestamp() / DAY if model.vocabulary.timed else model.vocabulary.as_of
    codes, _ = model.ranker.recommend(histories, now, k=K, sellable=model.sellable)
    found: list[int] = model.vocabulary.product_ids[codes[0][codes[0] >= 0]].tolist()
    return found
