"""A training run from its row to its verdict, in a child process of its own.

    claim → profiles → read → engine.train.run_training → save → read back → gate → publish → switch

The row is the run's life: status, progress and heartbeat are written through ``Life``, every write fenced by the
attempt, so that a child that was given up for dead can no longer change anything. A child that dies writes
nothing: ``services.reconcile`` finds it by its heartbeat and starts it again, three times at most. What it printed
is in ``runs/<id>/log.txt``.
"""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from behavior import services as behavior
from recommender import artifacts, codeversion, dataset, drift, gate, publish, rescoring, services
from recommender.dataset import Snapshot
from recommender.engine import baselines, impute, impute_effect, plain, train
from recommender.engine.artifact import ArtifactError
from recommender.engine.config import Config
from recommender.engine.plan import TooLittleData
from recommender.engine.progress import Stopped
from recommender.engine.ranker import Ranker
from recommender.gate import Sample, Verdict
from recommender.life import ENGINE_SHARE, Life, only_one
from recommender.models import TrainingRun
from recommender.runs import folder
from recommender.store import StoreFull

log = logging.getLogger(__name__)

MIN_EVENTS, MIN_SHOPPERS = 1_000, 25
GATE_SHOPPERS = 200

Status = TrainingRun.Status


def run_child(run_id: int, attempt: int) -> str:
    """The child's whole work; returns the run's status at the end."""
    run = TrainingRun.objects.get(pk=run_id)
    with Life(run_id, attempt) as life:
        try:
            life.step("waiting", 0.0)
            with only_one(life.stopped):
                outcome = _train_or_skip(run, life)
        except Stopped:
            outcome = Outcome(Status.STOPPED)
        except (publish.StaleRun, publish.BadGeneration, StoreFull, impute.UnknownStrategy) as error:
            outcome = Outcome(Status.FAILED, {"error": str(error)})
        shadows = outcome.status == Status.SUCCEEDED and run.publish == TrainingRun.Publish.SHADOW
        life.finish(
            outcome.status, also=lambda: put_in_shadow(run_id) if shadows else None, **outcome.values, **_cost()
        )
    return outcome.status


def put_in_shadow(run_id: int) -> None:
    """Where it still may be: it might serve by now."""
    try:
        services.shadow(run=TrainingRun.objects.get(pk=run_id))
    except services.CannotShadow as error:
        log.warning("run %s is not put in shadow: %s", run_id, error)


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what its row is to say."""

    status: str
    values: dict[str, Any] = field(default_factory=dict)


def _train_or_skip(run: TrainingRun, life: Life) -> Outcome:
    try:
        return _train(run, life)
    except TooLittleData as error:
        return _skip(run, life, str(error))


def _train(run: TrainingRun, life: Life) -> Outcome:
    config = _config(run)
    if run.as_of is None:
        _freshen_profiles(life)
    life.step("read", 0.0)
    life.write(code_version=codeversion.current())
    raw = dataset.read(as_of=run.as_of, simulated=config.simulated, kind_weights=config.kind_weights)
    snapshot = dataset.imputed(raw, config.imputation, seed=config.seed)
    life.write(data_window={**snapshot.window(), "profiles": drift.reference().to_dict()})
    _require_enough(snapshot)
    warm, words = _warm(run)
    trained = train.run_training(
        snapshot.data,
        config,
        now=snapshot.now,
        report=life.report,
        stop=life.stopped,
        warm=warm,
        rival=rescoring.rival(),
        folder=artifacts.path(folder(run.pk)),
    )
    window = trained.window
    told = impute_effect.report(raw.data, config.imputation, now=window["measured_from"], end=window["measured_to"])
    metrics = {**trained.metrics, "start": words or trained.start, "seconds": trained.seconds, "imputation": told}
    life.step("save", ENGINE_SHARE)
    name = config.architecture
    where = f"{folder(run.pk)}/model"
    meta = {"run": run.pk, "config": config.to_dict(), "code": codeversion.current()}
    sha256 = artifacts.save(trained.ranker, snapshot.vocabulary, where, meta)
    life.step("gate", ENGINE_SHARE)
    verdict = examine(snapshot, trained.ranker, metrics, name=name, artifact=where, sha256=sha256)
    values: dict[str, Any] = {
        "metrics": metrics,
        "curves": {**life.curves, "nets": trained.curves},
        "device": str(trained.device)[:100],
        "config": config.to_dict(),
        "artifact": where,
        "artifact_sha256": sha256,
        "verdict": verdict.to_dict(),
    }
    life.write(**values)
    if verdict.passed:
        ranker, _ = artifacts.load(where, sha256)
        if run.publish == TrainingRun.Publish.SERVE:
            _publish(run, life, ranker, snapshot, name=name, artifact=where, sha256=sha256)
        else:
            _store(run, life, ranker, snapshot, name=name, artifact=where, sha256=sha256)
        return Outcome(Status.SUCCEEDED, {"progress": 1.0})
    if publish.serving() is None:
        values["verdict"]["published"] = _publish_baseline(run, life, snapshot, trained.ranker, verdict.best_baseline)
    return Outcome(Status.REFUSED, {"progress": 1.0, "verdict": values["verdict"]})


def _freshen_profiles(life: Life) -> None:
    """Segments, and what drift is told by, are of the same days as the model."""
    if behavior.are_profiles_current():
        return

    def report(done: int, of: int) -> None:
        if life.stopped():
            raise Stopped
        life.step("profiles", 0.0)

    life.step("profiles", 0.0)
    behavior.build_profiles(report=report)


def _warm(run: TrainingRun) -> tuple[Ranker | None, str]:
    """The model whose weights the run begins with; else None and, where one was asked for, why not."""
    source = run.warm_start
    if source is None:
        return None, ""
    if not source.artifact:
        return None, f"Cold start: the model files of {source} were deleted."
    try:
        ranker, _ = artifacts.load(source.artifact, source.artifact_sha256)
    except ArtifactError as error:
        return None, f"Cold start: the weights of {source} cannot be read: {error}."
    return (ranker, "") if isinstance(ranker, Ranker) else (None, f"Cold start: {source} has no weights.")


def _skip(run: TrainingRun, life: Life, reason: str) -> Outcome:
    """Too little to train on. What can be counted is published, unless something better serves."""
    verdict: dict[str, Any] = {"passed": False, "summary": reason, "checks": [], "best_baseline": ""}
    now_serving = publish.serving()
    if now_serving is None or now_serving.generation.model_name == plain.NAME:
        snapshot = dataset.read(as_of=run.as_of)
        verdict["published"] = _publish_plain(run, life, snapshot)
    return Outcome(Status.SKIPPED, {"error": reason, "verdict": verdict, "progress": 1.0})


def examine(
    snapshot: Snapshot,
    ranker: artifacts.AnyRanker,
    metrics: dict[str, Any],
    *,
    name: str,
    artifact: str,
    sha256: str,
) -> Verdict:
    """Read the artifact back, let it score a sample of shoppers beside the trained one, and judge."""
    count = min(GATE_SHOPPERS, len(snapshot))
    shoppers = np.unique(np.linspace(0, max(len(snapshot) - 1, 0), count).astype(int))
    histories, _ = snapshot.histories(shoppers)
    try:
        back, _ = artifacts.load(artifact, sha256)
    except ArtifactError as error:
        return gate.broken(f"The stored model cannot be read back: {error}")
    _, expected = artifacts.scores_of(ranker, histories, snapshot.now)
    lists, scores = artifacts.scores_of(back, histories, snapshot.now)
    held = publish.serving()
    return gate.judge(
        metrics,
        model=name,
        sample=Sample(scores, expected, lists),
        serving=held.generation.run.metrics if held else None,
        serving_model=held.generation.model_name if held else "",
    )


def _publish(
    run: TrainingRun,
    life: Life,
    ranker: artifacts.AnyRanker,
    snapshot: Snapshot,
    *,
    name: str,
    artifact: str,
    sha256: str,
) -> None:
    life.step("publish", ENGINE_SHARE)
    run.attempts = life.attempt
    publish.publish(
        run,
        ranker,
        snapshot,
        model_name=name,
        artifact=artifact,
        sha256=sha256,
        report=lambda done: life.step("publish", ENGINE_SHARE + (1 - ENGINE_SHARE) * done),
    )


def _store(
    run: TrainingRun,
    life: Life,
    ranker: artifacts.AnyRanker,
    snapshot: Snapshot,
    *,
    name: str,
    artifact: str,
    sha256: str,
) -> None:
    """Everybody's list on disk, for whoever promotes the run."""
    life.step("publish", ENGINE_SHARE)
    publish.make(
        run,
        ranker,
        snapshot,
        model_name=name,
        artifact=artifact,
        sha256=sha256,
        report=lambda done: life.step("publish", ENGINE_SHARE + (1 - ENGINE_SHARE) * done),
    )
    publish.retire_old()


def _publish_baseline(run: TrainingRun, life: Life, snapshot: Snapshot, ranker: Ranker, best: str) -> str:
    """The run's best baseline, refitted on everything, over the refused run's own tables; returns its name."""
    if not best:
        return _publish_plain(run, life, snapshot)
    config = _config(run)
    model = baselines.fit(best, snapshot.data, snapshot.now, config, np.random.default_rng(config.seed))
    served = replace(ranker, scorer=None, model=model)
    where = f"{folder(run.pk)}/{best}"
    sha256 = artifacts.save(served, snapshot.vocabulary, where, {"run": run.pk, "baseline": best})
    _publish(run, life, served, snapshot, name=best, artifact=where, sha256=sha256)
    return best


def _publish_plain(run: TrainingRun, life: Life, snapshot: Snapshot) -> str:
    """Own history, neighbours and popularity serve until a run passes; returns the name to show."""
    ranker = plain.fit(snapshot.data, snapshot.now)
    where = f"{folder(run.pk)}/plain"
    sha256 = artifacts.save(ranker, snapshot.vocabulary, where, {})
    _publish(run, life, ranker, snapshot, name=plain.NAME, artifact=where, sha256=sha256)
    return plain.NAME


def _require_enough(snapshot: Snapshot) -> None:
    """Raises ``TooLittleData`` with what was expected and what there is."""
    events = len(snapshot.data.interactions)
    per_shopper = np.bincount(snapshot.data.interactions.shopper, minlength=1)
    repeated = int((per_shopper >= 2).sum())
    if events < MIN_EVENTS:
        raise TooLittleData(f"expected at least {MIN_EVENTS:,} events, found {events:,}")
    if repeated < MIN_SHOPPERS:
        raise TooLittleData(f"expected at least {MIN_SHOPPERS} shoppers with two events, found {repeated}")


def _config(run: TrainingRun) -> Config:
    return Config.from_dict({**run.config, "architecture": run.architecture, "seed": run.seed})


def _cost() -> dict[str, Any]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"peak_memory_bytes": usage.ru_maxrss * 1024, "cpu_seconds": usage.ru_utime + usage.ru_stime}
