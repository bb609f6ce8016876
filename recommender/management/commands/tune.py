"""``manage.py tune``: search for a better configuration on the validation window."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from recommender import processes, runs, services, store
from recommender.engine import architectures
from recommender.models import Tuning

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 45.0  # for a worker to pick the search up


class Command(BaseCommand):
    help = "Search for a better configuration; it can be trained afterwards. A killed search goes on where it was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--trials", type=int, default=30, help="how many configurations (default 30)")
        parser.add_argument("--architectures", default="deep", metavar="A,B", help=", ".join(architectures.NAMES))
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--wait", action="store_true", help="wait for the end also where a worker searches")
        parser.add_argument("--stop", action="store_true", help="stop the search under way; what was found stays")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["stop"]:
            self._stop()
        else:
            self._search(options)

    def _search(self, options: dict[str, Any]) -> None:
        worker = store.is_alive(services.TRAIN_WORKER)
        names = [name.strip() for name in options["architectures"].split(",") if name.strip()]
        try:
            tuning = services.request_tuning(
                trials=options["trials"], architectures=names, seed=options["seed"], enqueue=worker
            )
        except services.AlreadyActive as error:
            raise CommandError(f"{error}: wait for its end or stop it with --stop") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Tuning {tuning.pk}: {'handed to a worker' if worker else 'searching here'}.")
        if worker and not options["wait"]:
            self.stdout.write("It goes on by itself; --wait waits for its end.")
            return
        self._tell(self._follow(tuning) if worker else self._search_here(tuning))

    def _search_here(self, tuning: Tuning) -> Tuning:
        """Start the child, and again when it dies, as the reconciler would."""
        while tuning.status == Tuning.Status.QUEUED:
            child = runs.start_child(tuning.pk, Tuning)
            if child is None:
                return self._follow(tuning)
            try:
                while child.poll() is None:
                    self._show(tuning)
                    time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                services.stop_tuning(tuning=tuning)
                processes.kill_group(child.pid)
                child.wait()
            self._show(tuning)
            if tuning.is_active:
                runs.give_up_dead(tuning)
                tuning.refresh_from_db()
        return tuning

    def _follow(self, tuning: Tuning) -> Tuning:
        """Until the row has its end. Where the worker has died meanwhile, search here."""
        started = time.monotonic()
        while tuning.is_active:
            self._show(tuning)
            alone = not store.is_alive(services.TRAIN_WORKER)
            if alone and tuning.status == Tuning.Status.QUEUED and time.monotonic() - started > PATIENCE_SECONDS:
                return self._search_here(tuning)
            if alone and tuning.status == Tuning.Status.RUNNING:
                runs.give_up_dead(tuning)
            time.sleep(POLL_SECONDS)
        return tuning

    def _show(self, tuning: Tuning) -> None:
        """A line for each trial that is over."""
        try:
            tuning.refresh_from_db()
        except OperationalError:
            connection.close()  # Postgres is starting again
            return
        for trial in tuning.history[getattr(self, "_shown", 0) :]:
            value = "–" if trial["value"] is None else f"{trial['value']:.4f}"
            settings = " ".join(f"{name}={_short(value)}" for name, value in trial["params"].items())
            self.stdout.write(
                f"{trial['number']:>4}  {trial['state']:<8}  {value:>6}  {trial['seconds']:>6.1f} s  {settings}"
            )
        self._shown = len(tuning.history)

    def _tell(self, tuning: Tuning) -> None:
        self.stdout.write(f"Tuning {tuning.pk} {tuning.status} after {tuning.trials_done} of {tuning.trials_total}.")
        if tuning.error and tuning.status == Tuning.Status.FAILED:
            raise CommandError(tuning.error)
        if tuning.best_value is None:
            raise CommandError("No trial was completed.")
        settings = ", ".join(f"{name} {_short(value)}" for name, value in tuning.best_config.items())
        self.stdout.write(f"Best: trial {tuning.best_trial}, NDCG@10 {tuning.best_value:.4f} on the validation window.")
        self.stdout.write(f"{settings}. Train it with: manage.py train --tuned {tuning.pk}")

    def _stop(self) -> None:
        tuning = Tuning.objects.filter(status__in=Tuning.ACTIVE).first()
        if tuning is None:
            raise CommandError("no search is under way")
        self.stdout.write(f"{services.stop_tuning(tuning=tuning)} is asked to stop.")


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
