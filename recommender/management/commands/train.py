"""``manage.py train``: train, measure, judge, publish. Exit code 0 says that something serves."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from catalog.tables import ensure_tables
from recommender import processes, publish, runs, services, store
from recommender.engine import architectures
from recommender.models import TrainingRun, Tuning

POLL_SECONDS = 0.3
PATIENCE_SECONDS = 45.0  # for a worker to pick the run up


class Command(BaseCommand):
    help = "Train a model, measure it beside the baselines, and publish it if the gate lets it through."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", metavar="T", help="train on events up to this time (RFC 3339); default: all")
        parser.add_argument("--wait", action="store_true", help="wait for the end also where a worker trains")
        parser.add_argument("--architecture", default="deep", choices=architectures.NAMES)
        parser.add_argument("--tuned", type=int, metavar="TUNING", help="with the best configuration of that search")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--warm-start", type=_run, metavar="RUN|serving", help="begin with the weights of that run")
        ways = "of a run that passes: serve (default), shadow (scored, not shown) or keep (stored)"
        parser.add_argument("--publish", default="serve", choices=TrainingRun.Publish.values, help=ways)
        parser.add_argument("--trigger", default="manual", help="what the run's row says about why it was started")

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_tables(self.stdout.write)
        worker = store.is_alive(services.TRAIN_WORKER)
        found = _found(options["tuned"])
        try:
            run = services.request_training(
                trigger=options["trigger"],
                architecture=found.get("architecture", options["architecture"]),
                config=found,
                seed=options["seed"],
                as_of=as_moment(options["as_of"]),
                warm_start=_source(options["warm_start"]),
                publish=options["publish"],
                enqueue=worker,
            )
        except services.AlreadyActive as error:
            raise CommandError(f"{error}: wait for its end or stop it") from error
        self.stdout.write(f"Run {run.pk}: {'handed to a worker' if worker else 'training here'}.")
        if worker and not options["wait"]:
            self.stdout.write("It goes on by itself; --wait waits for its end.")
            return
        run = self._follow(run) if worker else self._train_here(run)
        self._tell(run)

    def _train_here(self, run: TrainingRun) -> TrainingRun:
        """Start the child, and again when it dies, as the reconciler would."""
        while run.status == TrainingRun.Status.QUEUED:
            child = runs.start_child(run.pk)
            if child is None:
                return self._follow(run)
            try:
                while child.poll() is None:
                    self._show(run)
                    time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                services.stop_run(run=run)
                processes.kill_group(child.pid)
                child.wait()
            run.refresh_from_db()
            if run.is_active:
                runs.give_up_dead(run)
                run.refresh_from_db()
        return run

    def _follow(self, run: TrainingRun) -> TrainingRun:
        """Until the row has its end. Where the worker has died meanwhile, train here."""
        started = time.monotonic()
        while run.is_active:
            self._show(run)
            waited = run.status == TrainingRun.Status.QUEUED and time.monotonic() - started > PATIENCE_SECONDS
            if waited and not store.is_alive(services.TRAIN_WORKER):
                return self._train_here(run)
            if run.status == TrainingRun.Status.RUNNING and not store.is_alive(services.TRAIN_WORKER):
                runs.give_up_dead(run)
            time.sleep(POLL_SECONDS)
            run.refresh_from_db()
        return run

    def _show(self, run: TrainingRun) -> None:
        """One line that is written over in a terminal; a new line for each step elsewhere."""
        try:
            run.refresh_from_db()
        except OperationalError:
            connection.close()  # Postgres is starting again
            return
        epoch = f" · epoch {run.epoch} of {run.epochs}" if run.epochs and run.step == "train" else ""
        rate = f" · {run.rows_per_second:,.0f} rows/s" if run.rows_per_second and run.step == "train" else ""
        line = f"{run.progress:4.0%}  {run.step or run.status}{epoch}{rate}"
        if sys.stdout.isatty():
            self.stdout.write(f"\r{line:<60}", ending="")
            self.stdout.flush()
        elif run.step != getattr(self, "_step", None):
            self.stdout.write(line)
        self._step = run.step

    def _tell(self, run: TrainingRun) -> None:
        seconds = ((run.finished_at or timezone.now()) - (run.started_at or run.created_at)).total_seconds()
        self.stdout.write(f"\nRun {run.pk} {run.status} after {seconds:.0f} s.")
        if summary := run.verdict.get("summary") or run.error:
            self.stdout.write(str(summary))
        if told := _data(run.data_window):
            self.stdout.write(told)
        if run.status == TrainingRun.Status.SKIPPED and (last := run.data_window.get("last")):
            self.stdout.write(f"The newest event is of {last}; if that is a wrong date, --as-of T leaves it out.")
        for check in run.verdict.get("checks", []):
            self.stdout.write(f"  {'passed' if check['passed'] else 'failed'}  {check['text']}")
        if start := run.metrics.get("start"):
            self.stdout.write(str(start))
        if published := run.verdict.get("published"):
            self.stdout.write(f"Published in its place: {published}.")
        serving = publish.serving()
        if serving is None:
            raise CommandError("Nothing serves.")
        name = serving.generation.model_name
        self.stdout.write(f"Serving: {name} of run {serving.generation.run_id} (generation {serving.generation_id}).")


LEFT_OUT = {
    "no_sale": "purchases of nothing (a quantity of 0 or less, or a rare price of 0)",
    "unknown_product": "events of a product that is gone",
    "stub_products": "products that only events mention",
}


def _data(window: dict[str, Any]) -> str:
    """What a run learned from and what it left out, in a sentence; nothing before it has read."""
    if not window:
        return ""
    said = f"From {window['events']:,} events of {window['shoppers']:,} shoppers and {window['products']:,} products"
    cleaning = window.get("cleaning", {})
    gone = [f"{cleaning[name]:,} {words}" for name, words in LEFT_OUT.items() if cleaning.get(name)]
    return f"{said}; left out: {', '.join(gone)}." if gone else f"{said}."


def _run(text: str) -> str | int:
    return text if text == "serving" else int(text)


def _found(number: int | None) -> dict[str, Any]:
    """What the search ``--tuned`` found; nothing without one."""
    if number is None:
        return {}
    tuning = Tuning.objects.filter(pk=number).first()
    if tuning is None or not tuning.best_config:
        raise CommandError(f"--tuned: expected a search that found something, received {number}")
    return dict(tuning.best_config)


def _source(name: str | int | None) -> TrainingRun | None:
    """The run of ``--warm-start``."""
    if name is None:
        return None
    if name == "serving":
        now = publish.serving()
        if now is None:
            raise CommandError("--warm-start: nothing serves")
        return now.generation.run
    run = TrainingRun.objects.filter(pk=name).first()
    if run is None:
        raise CommandError(f"--warm-start: there is no run {name}")
    return run


def as_moment(text: str | None) -> datetime | None:
    """RFC 3339 or a date, in UTC where no zone is given."""
    if text is None:
        return None
    if text == "now":
        return timezone.now()
    try:
        moment = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--as-of: expected a time such as 2026-03-31T17:05:00Z, received {text!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
