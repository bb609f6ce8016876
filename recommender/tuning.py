"""A search for a better configuration: trials by Optuna on the validation window, in a child process of its own.

The rows are the truth: every trial that was told is in ``Tuning.history`` before the next one begins. A child that
starts – the first, or one after a kill – tells that history to a study in memory (``Study.add_trial``), so the
sampler and the pruner know what their predecessors knew and nothing is tried twice. Features of a trial are on disk
under ``tunings/<id>`` until the search is over.

A training goes first: the advisory lock of trainings is held for one trial at a time, and between two trials the
search waits for as long as a run is queued or running.

Searched: architecture, layers, learning rate, weight decay, dropout, the pace of all decays, and how far apart the
weights of the event types are. Trials whose curve on the validation window is below the median of those before them
are ended (Golovin et al. 2017, "Google Vizier", the median stopping rule). The later days that a run is measured on
are cut off before the first trial (``engine.trials``): the best trial's figure chose it, so it flatters; what it is
worth is what a run with its configuration is measured at.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from behavior.models import EventType
from recommender import artifacts, dataset
from recommender.dataset import DAY, Snapshot
from recommender.engine.architectures import NETWORKS
from recommender.engine.config import Config
from recommender.engine.plan import TooLittleData
from recommender.engine.progress import Progress, Stopped
from recommender.engine.trials import Bench
from recommender.life import Life, only_one
from recommender.models import TrainingRun, Tuning
from recommender.runs import folder_of_tuning

LAYERS = {"64-32": (64, 32), "128-64": (128, 64), "256-128": (256, 128), "128-64-32": (128, 64, 32)}
PACES = (0.5, 1.0, 2.0)
#: Exponents of the declared weights: below 1 the types count more alike, above 1 less.
SPREADS = (0.5, 1.0, 2.0)
WITH_LAYERS = ("deep", "wide_deep")

Status = Tuning.Status


@dataclass(frozen=True)
class Trial:
    """One trial as ``Tuning.history`` keeps it. ``state``: complete, pruned or failed; ``value`` NDCG@10 of any item
    on the validation window, ``new`` of new items; ``curve``: [step, NDCG@10 of sampled lists] while it trained."""

    number: int
    value: float | None
    state: str
    params: Mapping[str, Any]
    seconds: float
    curve: tuple[tuple[int, float], ...] = ()
    new: float | None = None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "params": dict(self.params), "curve": [list(point) for point in self.curve]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Trial:
        curve = tuple((int(step), float(value)) for step, value in values.get("curve", ()))
        return cls(**{**values, "curve": curve})


# --- What is searched ---


@dataclass(frozen=True)
class Space:
    """Which settings are worth searching in this shop."""

    architectures: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)  # declared, of the types that teach something

    def distributions(self, architecture: str) -> dict[str, BaseDistribution]:
        """Of one architecture; always the same, for a history is told by them."""
        found: dict[str, BaseDistribution] = {"architecture": CategoricalDistribution(self.architectures)}
        if architecture not in NETWORKS:
            return found
        found["pace"] = CategoricalDistribution(PACES)
        if len(set(self.weights.values())) > 1:
            found["spread"] = CategoricalDistribution(SPREADS)
        found["weight_decay"] = FloatDistribution(1e-6, 1e-2, log=True)
        if architecture in WITH_LAYERS:
            found["layers"] = CategoricalDistribution(tuple(LAYERS))
            found["learning_rate"] = FloatDistribution(5e-4, 2e-2, log=True)
            found["dropout"] = FloatDistribution(0.0, 0.5)
        return found

    def config(self, params: Mapping[str, Any], base: Config) -> Config:
        """``base`` with what was drawn."""
        changes = {name: params[name] for name in ("architecture", "pace", "weight_decay", "learning_rate", "dropout")
                   if name in params}  # fmt: skip
        if "layers" in params:
            changes["layers"] = LAYERS[params["layers"]]
        if (spread := params.get("spread", 1.0)) != 1.0:
            top = max(self.weights.values())
            changes["kind_weights"] = {name: round(top * (w / top) ** spread, 6) for name, w in self.weights.items()}
        return replace(base, **changes)

    def defaults(self, base: Config) -> list[dict[str, Any]]:
        """The first trials: every architecture as it is without a search."""
        plain = {"pace": 1.0, "spread": 1.0, "weight_decay": base.weight_decay, "layers": "128-64",
                 "learning_rate": base.learning_rate, "dropout": base.dropout}  # fmt: skip
        return [
            {name: architecture if name == "architecture" else plain[name] for name in self.distributions(architecture)}
            for architecture in self.architectures
        ]


def space_of(architectures: Sequence[str]) -> Space:
    """For this shop's declared event types."""
    weights = dict(EventType.objects.filter(weight__gt=0).values_list("name", "weight"))
    return Space(tuple(architectures), weights)


# --- The study ---


def retold(space: Space, history: Sequence[Trial], seed: int) -> optuna.Study:
    """A study that knows ``history``. The sampler's seed moves with it: a restart draws nothing again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed + len(history), n_startup_trials=8, multivariate=False),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3),
    )
    for trial in history:
        study.add_trial(_frozen(space, trial))
    for params in space.defaults(Config())[len(history) :] if len(history) < len(space.architectures) else ():
        study.enqueue_trial(params)
    return study


def _frozen(space: Space, trial: Trial) -> FrozenTrial:
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    params = dict(trial.params)
    known = space.distributions(params["architecture"])
    return optuna.trial.create_trial(
        state=states[trial.state],
        value=trial.value if trial.state == "complete" else None,
        params=params,
        distributions={name: known[name] for name in params},
        intermediate_values=dict(trial.curve),
    )


def _drawn(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """The trial's parameters, the architecture first: the others depend on it."""
    params = {"architecture": trial.suggest_categorical("architecture", space.architectures)}
    for name, known in space.distributions(params["architecture"]).items():
        if name != "architecture":
            params[name] = _suggested(trial, name, known)
    return params


def _suggested(trial: optuna.Trial, name: str, known: BaseDistribution) -> Any:
    if isinstance(known, CategoricalDistribution):
        return trial.suggest_categorical(name, known.choices)
    assert isinstance(known, FloatDistribution)
    return trial.suggest_float(name, known.low, known.high, log=known.log)


# --- The child ---


def run_child(tuning_id: int, attempt: int) -> str:
    """The child's whole work; returns the search's status at the end."""
    tuning = Tuning.objects.get(pk=tuning_id)
    status, error = Status.SUCCEEDED, ""
    with Life(tuning_id, attempt, model=Tuning) as life:
        try:
            _search(tuning, life)
        except Stopped:
            status = Status.STOPPED
        except TooLittleData as reason:
            status, error = Status.FAILED, str(reason)
        life.finish(status, step="", error=error)
    shutil.rmtree(_folder(tuning_id), ignore_errors=True)
    return status


def _search(tuning: Tuning, life: Life) -> None:
    history = [Trial.from_dict(values) for values in tuning.history]
    bench, space, base = None, space_of(tuning.architectures), Config(seed=tuning.seed)
    study = retold(space, history, tuning.seed)
    while len(history) < tuning.trials_total:
        _let_trainings_go_first(life, len(history) / tuning.trials_total)
        with only_one(life.stopped):
            if bench is None:
                bench = _bench(tuning, base, life)
            trial = _one_trial(study, space, base, bench, life, history, tuning.trials_total)
        history.append(trial)
        life.write(**told(history, space, base, tuning.trials_total))


def _bench(tuning: Tuning, base: Config, life: Life) -> Bench:
    life.step("read", tuning.progress)
    moment = tuning.as_of or dataset.newest_event()
    snapshot: Snapshot = dataset.read(as_of=moment)
    # Of another log than before, the kept features would be wrong.
    folder = _folder(tuning.pk) / snapshot.digest()[:16]
    bench = Bench(snapshot.data, base, now=snapshot.now, folder=folder)
    life.write(as_of=moment, data_window={**snapshot.window(), **_dates(bench.window)})
    return bench


def _dates(window: Mapping[str, float]) -> dict[str, Any]:
    times = ("validated_from", "validated_to", "closed_at")
    return {
        name: datetime.fromtimestamp(value * DAY, UTC).isoformat() if name in times else int(value)
        for name, value in window.items()
    }


def _let_trainings_go_first(life: Life, progress: float) -> None:
    while TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE).exists():
        life.step("waiting", progress)
        if life.stopped():
            raise Stopped("asked to stop while a training ran")
        time.sleep(1)
    if life.stopped():
        raise Stopped("asked to stop between two trials")


def _one_trial(
    study: optuna.Study, space: Space, base: Config, bench: Bench, life: Life, history: list[Trial], total: int
) -> Trial:
    began, number = time.monotonic(), len(history)
    asked = study.ask()
    params = _drawn(asked, space)
    if same := next((t for t in history if t.state == "complete" and t.params == params), None):
        study.tell(asked, same.value)
        return replace(same, number=number, seconds=0.0)
    curve: list[tuple[int, float]] = []

    def listen(progress: Progress) -> None:
        life.step("features" if progress.step == "features" else "trial", (number + progress.fraction) / total)
        if progress.validation_ndcg is not None and progress.epoch:
            curve.append((progress.epoch, progress.validation_ndcg))
            asked.report(progress.validation_ndcg, progress.epoch)
            if asked.should_prune():
                raise optuna.TrialPruned

    def ended(state: str, value: float | None, **more: Any) -> Trial:
        return Trial(number, value, state, params, round(time.monotonic() - began, 2), tuple(curve), **more)

    try:
        outcome = bench.try_out(space.config(params, base), report=listen, stop=life.stopped)
    except optuna.TrialPruned:
        study.tell(asked, state=TrialState.PRUNED)
        return ended("pruned", curve[-1][1])
    except (FloatingPointError, ValueError) as error:
        # A drawn setting may be one with which nothing can be computed; the search goes on and says so.
        study.tell(asked, state=TrialState.FAIL)
        return ended("failed", None, error=str(error)[:300])
    study.tell(asked, outcome.value)
    return ended("complete", outcome.value, new=outcome.new)


def told(history: Sequence[Trial], space: Space, base: Config, total: int) -> dict[str, Any]:
    """What the row says after a trial."""
    complete = [trial for trial in history if trial.state == "complete" and trial.value is not None]
    values: dict[str, Any] = {
        "history": [trial.to_dict() for trial in history],
        "trials_done": len(history),
        "progress": round(len(history) / total, 4),
    }
    if complete:
        best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number))
        values |= {"best_value": best.value, "best_trial": best.number, "best_config": _chosen(space, best, base)}
    return values


def _chosen(space: Space, trial: Trial, base: Config) -> dict[str, Any]:
    """The settings that differ from the defaults, with the architecture: what ``request_training`` takes."""
    found, usual = space.config(trial.params, base).to_dict(), Config().to_dict()
    return {name: value for name, value in found.items() if value != usual[name] or name == "architecture"}


def _folder(tuning_id: int) -> Path:
    return artifacts.path(folder_of_tuning(tuning_id)) / "features"
