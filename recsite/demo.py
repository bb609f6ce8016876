"""The demo shop: its people and keys, and the steps of its first start."""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models import Sum

from behavior.models import Shopper, ShopperProfile
from catalog.models import Import
from recommender import services
from recommender.models import Generation, Switch, TrainingRun
from recsite.api import keys
from recsite.api.models import ApiKey
from recsite.dashboard.roles import ADMIN, MERCHANDISER
from recsite.first_start import Step, StepFailed, end_of
from recsite.shop_front import keep_connection, tick
from recsite.supervisor import Supervisor

Report = Callable[[float, str], None]
Scope = ApiKey.Scope
SCOPES = {
    ApiKey.Kind.SECRET: list(Scope),  # the simulator asks for lists as of the past
    ApiKey.Kind.PUBLISHABLE: [Scope.EVENTS_WRITE, Scope.RECOMMENDATIONS_READ],
}
ENOUGH = "publish"  # the step of a run that follows the training


@dataclass(frozen=True)
class Access:
    """Who may enter, as kept in ``demo.json``. ``is_new``: something in it was made just now."""

    users: Mapping[str, str]  # name → password
    keys: Mapping[str, str]  # "secret", "publishable" → key
    is_new: bool


# --- people and keys ---
def grant_access() -> Access:
    """Make the users and keys that ``demo.json`` names, or new ones, so that the file and the database agree."""
    known = _read()
    told = known.get("users", {})
    users = {name: told.get(name) or _password() for name in (MERCHANDISER, ADMIN)}
    made = [_make_user(name, password, is_told=name in told) for name, password in users.items()]
    found = {kind.value: _valid(kind, known.get("keys", {}).get(kind.value)) for kind in SCOPES}
    valid = {kind.value: found[kind.value] or _make_key(kind) for kind in SCOPES}
    return Access(users, valid, is_new=any(made) or None in found.values())


def write_access(access: Access, url: str) -> Path:
    """``DATA_DIR/demo.json``, for the owner only."""
    file = settings.DATA_DIR / "demo.json"
    aside = file.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump({"url": url, "users": dict(access.users), "keys": dict(access.keys)}, out, indent=2)
    aside.rename(file)
    return Path(file)


def _password() -> str:
    """About 83 random bits, and nothing that a shell or a double click takes apart."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(14))


def _read() -> dict[str, Any]:
    try:
        return dict(json.loads((settings.DATA_DIR / "demo.json").read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def _make_user(name: str, password: str, *, is_told: bool) -> bool:
    """Whether something was made. Someone who is there keeps the password that they may have changed, unless the file
    that told it is gone."""
    person = User.objects.filter(username=name).first()
    if person is None:
        person = User.objects.create_user(name, password=password, is_staff=name == ADMIN)
    elif is_told:
        return False
    else:
        person.set_password(password)
        person.save(update_fields=["password"])
    person.groups.add(Group.objects.get(name=name))
    return True


def _valid(kind: ApiKey.Kind, key: str | None) -> str | None:
    """The key of the file, if the database still knows it."""
    return key if key and keys.live().filter(kind=kind, sha256=keys.digest(key)).exists() else None


def _make_key(kind: ApiKey.Kind) -> str:
    """A new key in the place of one whose text nobody knows any more."""
    name = f"Demo, {kind.value}"
    for lost in keys.live().filter(name=name):
        keys.revoke(key=lost)
    return keys.create(name=name, kind=kind, scopes=SCOPES[kind]).secret


# --- the steps ---
def steps(shop: Supervisor) -> list[Step]:
    """In order. Each may be begun again at any point: nothing is stored twice and nothing trained twice."""
    return [
        Step("import", "Import a year of sales", lambda report: _import(shop, report)),
        Step("profiles", "Build shopper profiles", lambda report: _build_profiles(shop, report)),
        Step("train", "Train and measure the model", lambda report: _train(shop, report)),
        Step("publish", "Publish every shopper's list", lambda report: _publish(shop, report)),
    ]


def is_complete() -> bool:
    return Switch.objects.exists()


def _import(shop: Supervisor, report: Report) -> None:
    newest = Import.objects.order_by("-id").values_list("id", flat=True).first() or 0
    _run(shop, "import_completejourney", lambda: report(*_import_progress(newest)))


def _import_progress(before: int) -> tuple[float, str]:
    """The share of each file is about its share of the time; before the first there is the reading of the wheel."""
    shares = {Import.Kind.PRODUCTS: 0.10, Import.Kind.SHOPPERS: 0.02, Import.Kind.EVENTS: 0.80}
    fraction, detail = 0.0, "reading the data"
    for row in Import.objects.filter(id__gt=before).order_by("id"):
        fraction += shares[Import.Kind(row.kind)] * (1.0 if row.finished_at else row.progress)
        pace = f" · {row.rows_per_second:,.0f} a second" if row.rows_per_second and not row.finished_at else ""
        detail = f"{row.rows_read:,} of {row.rows_total or row.rows_read:,} {row.kind}{pace}"
    return min(0.08 + fraction, 1.0) if fraction else 0.04, detail


def _build_profiles(shop: Supervisor, report: Report) -> None:
    total = Shopper.objects.count()

    def look() -> None:
        done = ShopperProfile.objects.count()
        report(done / total if total else 1.0, f"{done:,} of {total:,} shoppers")

    _run(shop, "build_profiles", look)


def _run(shop: Supervisor, command: str, look: Callable[[], None]) -> None:
    """A command as a child of its own: its memory goes with it, and Ctrl-C stops it."""
    process = shop.run(command, [command])
    while process.poll() is None:
        tick(shop)
        keep_connection()
        look()
    look()  # the last figures are the ones that stay in view
    if process.returncode != 0:
        log = settings.DATA_DIR / "log" / f"{command}.log"
        raise StepFailed(f"{command} ended with {process.returncode} (see {log}):\n{end_of(log)}")


def _train(shop: Supervisor, report: Report) -> None:
    """Through the queue and the worker, as everybody's training."""
    run = _wait(shop, _run_in_work(), lambda run: run.step == ENOUGH, lambda run: report(run.progress, _training(run)))
    if run.is_active or Switch.objects.exists():
        return
    raise StepFailed(_reason(run))


def _publish(shop: Supervisor, report: Report) -> None:
    if not Switch.objects.exists():
        run = _wait(shop, _run_in_work(), lambda _run: Switch.objects.exists(), lambda run: report(*_publishing(run)))
        if not Switch.objects.exists():
            raise StepFailed(_reason(run))


def _run_in_work() -> TrainingRun:
    """The run that is on its way (a start before this one may have asked for it), else a new one."""
    newest = TrainingRun.objects.order_by("-id").first()
    if newest and (newest.is_active or Switch.objects.exists()):
        return newest
    return services.request_training(trigger="demo")


def _wait(
    shop: Supervisor, run: TrainingRun, enough: Callable[[TrainingRun], bool], look: Callable[[TrainingRun], None]
) -> TrainingRun:
    while run.is_active and not enough(run):
        tick(shop)
        keep_connection()
        run.refresh_from_db()
        look(run)
    return run


def _training(run: TrainingRun) -> str:
    if run.status == TrainingRun.Status.QUEUED:
        return "waiting for the worker"
    epoch = f" · epoch {run.epoch} of {run.epochs}" if run.epochs else ""
    pace = f" · {run.rows_per_second:,.0f} rows a second" if run.rows_per_second else ""
    return f"{run.step}{epoch}{pace}"


def _publishing(run: TrainingRun) -> tuple[float, str]:
    sums = Generation.objects.filter(run=run).aggregate(done=Sum("shoppers_done"), total=Sum("shoppers_total"))
    done, total = sums["done"] or 0, sums["total"] or 0
    return (done / total if total else 0.0), f"{done:,} of {total:,} shoppers"


def _reason(run: TrainingRun) -> str:
    return f"run {run.pk} ended {run.status}: {run.error or 'no reason was given'}"
