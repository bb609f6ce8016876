"""Tuning: a search for a better configuration, its trials, and what to do with the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from recommender import services
from recommender.engine import architectures
from recommender.model_names import architecture_name
from recommender.models import Tuning
from recsite.dashboard import charts, numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart, Curve
from recsite.dashboard.comparison import setting_text, words_of
from recsite.dashboard.components import (
    Action,
    Badge,
    Checks,
    Crumb,
    Field,
    Notice,
    Option,
    PageHeader,
    Progress,
    time_left,
)
from recsite.dashboard.tables import Cell, Column, Row, Table

Status = Tuning.Status
USUAL_TRIALS = 20
_STATES = {"complete": "complete", "pruned": "ended early", "failed": "failed"}
_STEPS = {"": "waiting for a worker", "waiting": "waiting: a training goes first"}


class BadWish(ValueError):
    """``errors``: by field, what was expected and what came."""

    def __init__(self, **errors: str) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Searched:
    """One search: how far it is, what every trial was worth, the best settings."""

    title: str
    badge: Badge
    note: str
    progress: Progress | None
    notice: Notice | None
    chart: Chart | None
    best: Table | None
    trials: Table
    actions: Sequence[Action]


@dataclass(frozen=True)
class TuningPage:
    """The newest search and, for who may retrain, the form of the next one."""

    header: PageHeader
    searched: Searched | None
    form: Sequence[Checks | Field]


def build(
    *, permissions: frozenset[str], typed: Mapping[str, Any] | None = None, errors: Mapping[str, str] | None = None
) -> TuningPage:
    """``typed`` and ``errors``: a form that was refused. Two queries."""
    newest = Tuning.objects.first()
    may = roles.RETRAIN in permissions
    free = may and (newest is None or not newest.is_active)
    return TuningPage(
        header=PageHeader(
            "Tuning",
            "Do other settings rank better? Tried on a window before the days that runs are measured on.",
            crumbs=[Crumb("Models", page("models"))],
        ),
        searched=_searched(newest, permissions) if newest else None,
        form=_form(typed or {}, errors or {}) if free else (),
    )


def read_form(typed: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Trials and architectures. Raises :class:`BadWish`."""
    text, names = str(typed.get("trials", "")).strip(), list(typed.get("architectures", ()))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= services.MOST_TRIALS):
        raise BadWish(trials=f"expected 1 to {services.MOST_TRIALS:,}; received “{text[:20]}”")
    if not names or any(name not in architectures.NAMES for name in names):
        raise BadWish(
            architectures=f"expected some of {', '.join(architectures.NAMES)}; received “{', '.join(names)[:60]}”"
        )
    return int(text), names


def progress_of(tuning: Tuning) -> Progress:
    """Share of the trials, asked for every second while it runs."""
    now = timezone.now()
    silent = (now - tuning.heartbeat_at).total_seconds() if tuning.heartbeat_at else None
    best = f"best NDCG@10 {numbers.metric(tuning.best_value)}" if tuning.best_value is not None else ""
    step = _STEPS.get(tuning.step, "reading the data" if tuning.step != "trial" else "")
    return Progress(
        label=f"Search {tuning.pk}",
        fraction=tuning.progress,
        left=time_left(tuning.started_at, tuning.progress),
        facts=[fact for fact in (f"{tuning.trials_done} of {tuning.trials_total} trials", best, step) if fact],
        silent=max(0.0, silent) if silent is not None and tuning.status == Status.RUNNING else None,
        url=page("tuning-progress", tuning.pk, done=tuning.trials_done),
        running=tuning.is_active,
    )


def _searched(tuning: Tuning, permissions: frozenset[str]) -> Searched:
    trials = [trial for trial in tuning.history or [] if isinstance(trial, dict)]
    names = ", ".join(architecture_name(name) for name in tuning.architectures)
    by = f"by {tuning.requested_by.get_username()}" if tuning.requested_by else "by hand"
    return Searched(
        title=f"Search {tuning.pk}",
        badge=_badge(tuning),
        note=f"{names} · started {by}, {numbers.moment(tuning.created_at)}",
        progress=progress_of(tuning) if tuning.is_active else None,
        notice=_notice(tuning),
        chart=_chart(trials) if any(trial.get("value") is not None for trial in trials) else None,
        best=_best(tuning) if tuning.best_config else None,
        trials=_trials(trials, tuning.best_trial),
        actions=_actions(tuning, permissions),
    )


def _badge(tuning: Tuning) -> Badge:
    if tuning.is_active and tuning.stop_requested:
        return Badge("stopping", "warn")
    return {
        Status.QUEUED: Badge("waiting", "accent"),
        Status.RUNNING: Badge("searching", "accent"),
        Status.SUCCEEDED: Badge("done", "good"),
        Status.STOPPED: Badge("stopped"),
        Status.FAILED: Badge("failed", "bad"),
    }[Status(tuning.status)]


def _notice(tuning: Tuning) -> Notice | None:
    if tuning.status != Status.FAILED:
        return None
    reason = (tuning.error.strip().splitlines() or ["no reason was given"])[-1]
    return Notice(f"Search {tuning.pk} failed: {reason}", "What was tried stays, and nothing else changed.", "bad")


def _actions(tuning: Tuning, permissions: frozenset[str]) -> list[Action]:
    if roles.RETRAIN not in permissions:
        return []
    actions = []
    if tuning.is_active and not tuning.stop_requested:
        actions.append(Action("Stop searching", page("tuning-stop", tuning.pk), "danger", post=True, small=True))
    if tuning.best_config:
        actions.append(Action("Train with the best", page("retrain", tuning=tuning.pk), "primary", small=True))
    return linked(*actions)


def _chart(trials: Sequence[Mapping[str, Any]]) -> Chart:
    """What each complete trial was worth, and the best until then."""
    values, best, so_far = [], [], None
    for trial in trials:
        value = trial.get("value") if trial.get("state") == "complete" else None
        so_far = value if so_far is None else so_far if value is None else max(so_far, value)
        values.append(value)
        best.append(so_far)
    curves = [Curve("best so far", best), Curve("trial", values, "grey")]
    what = "NDCG@10 by trial"
    return charts.curves_chart(
        id="trials", what=what, curves=curves, epochs=len(trials), label_room=116, axis="Trial", height=240
    )


def _best(tuning: Tuning) -> Table:
    rows = [Row([Cell(words_of(key)), Cell(_setting(key, value))]) for key, value in sorted(tuning.best_config.items())]
    return Table(
        "Settings of the best trial that differ from the usual", [Column("Setting"), Column("Best", numeric=True)], rows
    )


def _setting(key: str, value: Any) -> str:
    return architecture_name(str(value)) if key == "architecture" else setting_text(value)


def _trials(trials: Sequence[Mapping[str, Any]], best: int | None) -> Table:
    """Best first, those without a figure last."""
    columns = [
        Column("Trial"),
        Column("NDCG@10", numeric=True),
        Column("New to the shopper", numeric=True, wide=True),
        Column("State"),
        Column("Tried", wide=True),
        Column("Took", numeric=True, wide=True),
    ]
    ordered = sorted(trials, key=lambda trial: (trial.get("state") != "complete", -(trial.get("value") or 0.0)))
    rows = [_trial(trial, selected=trial.get("number") == best) for trial in ordered]
    return Table("Trials, best first", columns, rows, empty="No trial is finished yet.")


def _trial(trial: Mapping[str, Any], *, selected: bool) -> Row:
    params = ", ".join(
        f"{words_of(key).lower()} {_setting(key, value)}" for key, value in (trial.get("params") or {}).items()
    )
    state = str(trial.get("state"))
    return Row(
        [
            Cell(str(trial.get("number"))),
            Cell(numbers.metric(trial.get("value"), 4), tone="strong" if selected else ""),
            Cell(numbers.metric(trial.get("new"), 4)),
            Cell(_STATES.get(state, state), note=str(trial.get("error") or "")[:120]),
            Cell(params),
            Cell(numbers.duration(trial.get("seconds"))),
        ],
        selected=selected,
    )


def _form(typed: Mapping[str, Any], errors: Mapping[str, str]) -> list[Checks | Field]:
    chosen = typed.get("architectures", ["deep"])
    options = [Option(name, architecture_name(name), name in chosen) for name in architectures.NAMES]
    return [
        Field(
            "trials",
            "Trials",
            str(typed.get("trials", USUAL_TRIALS)),
            hint="Each takes about as long as a short training. Bad ones are ended early; a training goes first.",
            error=errors.get("trials", ""),
            required=True,
            limits={"inputmode": "numeric"},
        ),
        Checks("architectures", "Among", options, error=errors.get("architectures", "")),
    ]
