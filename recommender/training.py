"""A training run from its row to its verdict, in a child process of its own.

    claim → profiles → read → engine.train.run_training → save → read back → gate → publish → switch

The row is the run's life: status, progress and heartbeat are written through ``Life``, every write fenced by the
attempt, so that a child that was given up for dead can no longer change anything. A child that dies writes
nothing: ``services.reconcile`` finds it by its heartbeat and starts it again, three times at most. What it printed
is in ``runs/<id>/log.txt``.
"""

from __future__ import annotations

import logging
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import numpy as np
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from behavior import services as behavior
from recommender import artifacts, codeversion, dataset, drift, gate, processes, publish, rescoring, services
from recommender.dataset import Snapshot
from recommender.engine import baselines, impute, plain, train
from recommender.engine.artifact import ArtifactError
from recommender.engine.config import Config
from recommender.engine.plan import TooLittleData
from recommender.engine.progress import Progress, Stopped
from recommender.engine.ranker import Ranker
from recommender.gate import Sample, Verdict
from recommender.models import TrainingRun, Tuning
from recommender.runs import folder
from recommender.store import StoreFull

log = logging.getLogger(__name__)

MIN_EVENTS, MIN_SHOPPERS = 1_000, 25
BEAT_SECONDS = 2.0
WRITE_SECONDS = 0.5
#: One training at a time, whatever the rows say.
TRAINING_LOCK = 0x52535431
GATE_SHOPPERS = 200
#: The engine's share of a run's progress; publishing has the rest.
ENGINE_SHARE = 0.9

Status = TrainingRun.Status


class Lost(Exception):
    """The row is no longer this process's: stopped, taken over or gone."""


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
    )
    window = trained.window
    told = impute.report(raw.data, config.imputation, now=window["measured_from"], end=window["measured_to"])
    metrics = {**trained.metrics, "start": words or trained.start, "seconds": trained.seconds, "imputation": told}
    life.step("save", ENGINE_SHARE)
    name = config.architecture
    where = f"{folder(run.pk)}/model"
    meta = {"run": run.pk, "config": config.to_dict(), "code": codeversion.current()}
    sha256 = artifacts.save(trained.ranker, snapshot.vocabulary, where, meta)
    life.step("gate", ENGINE_SHARE)
    verdict = examine(snapshot, trained.ranker, metrics, name=name, artifact=where, sha256=sha256)
    values = {
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


@contextmanager
def only_one(stop: Callable[[], bool]) -> Iterator[None]:
    """The advisory lock, on a connection of its own: it goes when the process does, however it ends.

    A search for a configuration gives it up after each trial, so a training waits for the one that is under way;
    where there is none, only for a child that was killed a moment ago.
    """
    own = connection.copy()
    try:
        patience = time.monotonic() + 30
        while not _take(own, TRAINING_LOCK):
            if stop():
                raise Stopped("asked to stop while it waited")
            if time.monotonic() > patience and not Tuning.objects.filter(status=Tuning.Status.RUNNING).exists():
                raise Lost("another training holds the lock")
            time.sleep(0.5)
        yield
    finally:
        own.close()


def _take(own: Any, lock: int) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])


class Life:
    """The row of a running attempt, of a run or of a tuning: heartbeat from a thread, progress at most twice a
    second, one end."""

    def __init__(self, run_id: int, attempt: int, *, model: type[TrainingRun] | type[Tuning] = TrainingRun) -> None:
        self.run_id, self.attempt, self.model = run_id, attempt, model
        self.curves: dict[str, list[float | None]] = {
            "epoch": [], "loss": [], "validation_loss": [], "validation_ndcg": [],
        }  # fmt: skip
        self._stop = threading.Event()
        self._over = threading.Event()
        self._written = 0.0
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Life:
        if not self._rows().update(process_id=os.getpid(), host=processes.HOST, heartbeat_at=timezone.now()):
            raise Lost(f"{self}: attempt {self.attempt} is not the one that runs")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(5)

    def stopped(self) -> bool:
        """Whether to give up: a person asked for it, or the row is somebody else's."""
        return self._stop.is_set()

    def step(self, name: str, progress: float) -> None:
        self._throttled(force=name != getattr(self, "_step", ""), step=name, progress=round(progress, 4))
        self._step = name

    def report(self, progress: Progress) -> None:
        """What the engine says; a new epoch goes into the curves."""
        values: dict[str, Any] = {
            "step": progress.step,
            "progress": round(ENGINE_SHARE * progress.fraction, 4),
            "epoch": progress.epoch,
            "epochs": progress.epochs,
        }
        if progress.rows_per_second:
            values["rows_per_second"] = progress.rows_per_second
        told = progress.step == "train" and progress.epoch > 0 and progress.loss is not None
        fresh = told and progress.epoch not in self.curves["epoch"][-1:]
        if fresh:
            self.curves["epoch"].append(progress.epoch)
            for name in ("loss", "validation_loss", "validation_ndcg"):
                self.curves[name].append(getattr(progress, name))
            values["curves"] = self.curves
        self._throttled(force=fresh, **values)

    def write(self, **values: Any) -> None:
        """Write to the row now; raises :class:`Lost` where it is no longer ours."""
        if not self._rows().update(**values):
            raise Lost(f"{self}: attempt {self.attempt} was taken over")

    def finish(self, status: str, *, also: Callable[[], object] = lambda: None, **values: Any) -> None:
        """The end and what it brings with it, ``also``, in one transaction, so that a process that dies here has done
        both or neither. Tried for a minute: Postgres may be starting again."""
        for attempt in range(30):
            try:
                with transaction.atomic():
                    self.write(status=status, finished_at=timezone.now(), process_id=None, **values)
                    also()
                return
            except OperationalError:
                if attempt == 29:
                    raise
                connection.close()
                time.sleep(2)

    def _throttled(self, *, force: bool, **values: Any) -> None:
        now = time.monotonic()
        if not force and now - self._written < WRITE_SECONDS:
            return
        self._written = now
        try:
            self._rows().update(**values)
        except OperationalError:
            connection.close()  # progress may be missed; the end is not

    def _rows(self) -> Any:
        return self.model.objects.filter(pk=self.run_id, status=Status.RUNNING, attempts=self.attempt)

    def __str__(self) -> str:
        return f"{'run' if self.model is TrainingRun else 'tuning'} {self.run_id}"

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                self._beat_once()
        finally:
            connection.close()  # this thread's own

    def _beat_once(self) -> None:
        try:
            held = self._rows().update(heartbeat_at=timezone.now())
            asked = self.model.objects.filter(pk=self.run_id, stop_requested=True).exists()
        except OperationalError:
            connection.close()
            return
        if not held or asked:
            self._stop.set()
