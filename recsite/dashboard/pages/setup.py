"""First start: how long it takes, and what can be looked at already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists
from django.urls import reverse
from django.utils import timezone

from behavior.models import Shopper
from catalog.models import Product
from recommender.models import SetupStep, Switch
from recsite.dashboard import numbers
from recsite.dashboard.components import Action, Notice, Progress, Step, time_left
from recsite.dashboard.shop import Shop

_STATES = {"waiting": "waiting", "running": "current", "done": "done", "failed": "failed"}


@dataclass(frozen=True)
class SetupPage:
    """The progress with its steps, and beneath it what one can do now. ``finished``: the shop is ready.

    The whole fragment is asked for again every second, so the progress needs no address of its own.
    """

    title: str
    text: str
    progress: Progress
    notice: Notice
    finished: bool
    shop_name: str


@dataclass(frozen=True)
class Available:
    """What a look is worth already."""

    products: bool
    shoppers: bool
    model: bool


def is_unfinished() -> bool:
    """Whether the first start still runs and nothing serves yet: then the front page is this one."""
    waiting = SetupStep.objects.filter(status__in=["waiting", "running"])
    failed = SetupStep.objects.filter(status="failed")
    serving = Switch.objects.all()
    found = SetupStep.objects.order_by().values_list(Exists(waiting), Exists(failed), Exists(serving)).first()
    return found is not None and found[0] and not found[1] and not found[2]


def build(shop: Shop, *, known: bool) -> SetupPage:
    """The page for a person who has logged in (``known``) or not yet. Two queries."""
    steps = list(SetupStep.objects.all())
    has = _available()
    failed = next((step for step in steps if step.status == "failed"), None)
    finished = not failed and all(step.status == "done" for step in steps)
    return SetupPage(
        title=_title(finished, failed),
        text=_text(steps, finished, failed),
        progress=_progress(steps, finished, failed),
        notice=_failed(failed) if failed else _notice(has, finished, known),
        finished=finished,
        shop_name=shop.name,
    )


def fraction(steps: Sequence[SetupStep]) -> float:
    """How much is done: each step is one share. Without steps there was no first start to wait for."""
    if not steps:
        return 1.0
    return sum(1.0 if step.status == "done" else step.progress for step in steps) / len(steps)


def _available() -> Available:
    found = (
        Exists(Product.objects.all()),
        Exists(Shopper.objects.all()),
        Exists(Switch.objects.all()),
    )
    row = SetupStep.objects.order_by().values_list(*found).first()
    return Available(*row) if row else Available(Product.objects.exists(), Shopper.objects.exists(), True)


def _title(finished: bool, failed: SetupStep | None) -> str:
    if failed:
        return "The first start stopped"
    return "Your shop is ready" if finished else "Getting your shop ready"


def _text(steps: Sequence[SetupStep], finished: bool, failed: SetupStep | None) -> str:
    if failed:
        return "What was done stays. The next start goes on from here."
    if finished:
        return "Everything is in place: products, shoppers and a model that serves."
    return "A few minutes in all. You can close this page; it goes on without you."


def _progress(steps: Sequence[SetupStep], finished: bool, failed: SetupStep | None) -> Progress:
    running = not finished and not failed
    newest = max((step.updated_at for step in steps), default=None)
    started = min((step.started_at for step in steps if step.started_at), default=None)
    return Progress(
        label="First start",
        fraction=fraction(steps),
        steps=[_step(step) for step in steps],
        silent=(timezone.now() - newest).total_seconds() if newest and running else None,
        running=running,
        tall=True,
        started=f"started {timezone.localtime(started):%H:%M:%S}" if started else "",
    )


def _step(step: SetupStep) -> Step:
    current = step.status == "running"
    return Step(step.title, _STATES[step.status], _note(step), step.progress if current else None)


def _note(step: SetupStep) -> str:
    if step.status == "running":
        left = time_left(step.started_at, step.progress)
        words = f"about {numbers.duration(round(left))} left" if left is not None else ""
        return " · ".join(part for part in (step.detail, words) if part)
    if step.detail or step.status in ("waiting", "failed"):
        return step.detail
    if step.status == "done" and step.started_at and step.finished_at:
        return numbers.duration(step.finished_at - step.started_at)
    return ""


def _failed(step: SetupStep) -> Notice:
    text = step.error.strip().splitlines()[-1] if step.error.strip() else "No reason was given."
    return Notice(f"“{step.title}” did not finish", f"{text} Start the same command again to go on from here.", "bad")


def _notice(has: Available, finished: bool, known: bool) -> Notice:
    actions = _links(has, finished)
    if not known:
        return Notice(
            "Log in to look around",
            "Names and passwords are printed in the terminal and kept in the data folder's demo.json.",
            actions=[Action("Log in", reverse("login"), "primary", small=True)],
        )
    if finished:
        return Notice("Have a look", "", "good", actions)
    if not actions:
        return Notice("Nothing to look at yet", "The first products arrive within seconds.", "grey")
    text = "" if has.model else "Recommendations fall back to best sellers until the first model is ready."
    return Notice("You can already look around", text, actions=actions)


def _links(has: Available, finished: bool) -> list[Action]:
    links = []
    if finished:
        links.append(Action("Open the overview", reverse("overview"), "primary", small=True))
    if has.products:
        links.append(Action("Look at products", reverse("products"), small=True))
    if has.shoppers:
        links.append(Action("Look a shopper up", reverse("shoppers"), small=True))
    return links
