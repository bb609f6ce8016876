"""What needs a person, each with the one click to where it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from behavior.models import RejectedEvent
from recommender import acceptance, feedback, state, steering
from recommender.conflicts import conflicts
from recommender.models import Placement, SetupStep, Switch, TrainingRun
from recsite.dashboard import navigation, numbers, roles
from recsite.dashboard.addresses import page as address
from recsite.dashboard.components import Finding

KEPT = 30  # seconds
STALE = timedelta(days=7)  # a model this much older than the newest event
RANGE = timedelta(days=28)
RISEN = 0.005  # points of the ignore rate that the whole interval must lie above
MISSING = 0.2  # share of products without an attribute from which it is worth a line
_GAPS = {  # column: what it is called, what is off without it
    "category": ("a category", "Rules and reasons by category are off for them"),
    "price": ("a price", "Price rules and price reasons are off for them"),
    "title": ("a title", "They are shown by their number alone"),
    "brand": ("a brand", "Brand rules are off for them"),
}


@dataclass(frozen=True)
class Placed:
    """A finding and the page of the navigation that counts it ("" for none).

    Where its action needs a permission, ``by_admin`` is what a person with that permission sees instead.
    """

    finding: Finding
    page: str = ""
    permission: str = ""
    by_admin: Finding | None = None

    def seen_with(self, permissions: frozenset[str]) -> Finding:
        return self.by_admin if self.by_admin and self.permission in permissions else self.finding


def find(newest: datetime | None, permissions: frozenset[str] = frozenset()) -> list[Finding]:
    """Worst first, with the actions that ``permissions`` allow; kept for half a minute.

    Also sets the counts beside the navigation's pages.
    """
    placed: list[Placed] = cache.get_or_set("dashboard:findings", lambda: _look(newest), KEPT) or []
    return [one.seen_with(permissions) for one in placed]


def forget() -> None:
    """After a change that mends or makes a finding: the next page looks anew."""
    cache.delete("dashboard:findings")


def _look(newest: datetime | None) -> list[Placed]:
    order = {"bad": 0, "warn": 1, "neutral": 2}
    placed = [found for check in CHECKS for found in check(newest)]
    counts: dict[str, int] = {}
    for found in placed:
        if found.page and found.finding.tone != "neutral":
            counts[found.page] = counts.get(found.page, 0) + 1
    navigation.set_counts(counts)
    return sorted(placed, key=lambda found: order[found.finding.tone])


def _setup(newest: datetime | None) -> Iterator[Placed]:
    step = SetupStep.objects.filter(status=SetupStep.Status.FAILED).first()
    if step:
        reason = (step.error.strip().splitlines() or ["no reason was given"])[-1]
        yield _placed("The first start stopped", f"“{step.title}”: {reason}", "See the steps", "setup", "bad")


def _models(newest: datetime | None) -> Iterator[Placed]:
    switch = Switch.objects.select_related("generation__run").first()
    if switch is None:
        note = "Everyone sees what sells most until the first one is trained"
        yield _retrain(_placed("No model serves yet", note, "Models", "models", "warn"))
    elif newest is not None and newest - switch.generation.as_of > STALE:
        behind = (newest - switch.generation.as_of).days
        note = f"It has not seen the last {numbers.plural(behind, 'day')} of events"
        yield _retrain(_placed(f"Model {switch.generation.run_id} is getting old", note, "Models", "models", "warn"))
    last = TrainingRun.objects.exclude(status__in=TrainingRun.ACTIVE).first()
    if last is not None:
        yield from _last_run(last, switch)


def _last_run(run: TrainingRun, switch: Switch | None) -> Iterator[Placed]:
    serving = switch.generation.run_id if switch else None
    goes_on = f"Model {serving} goes on serving" if serving else "Nothing serves yet"
    if run.status == TrainingRun.Status.FAILED:
        reason = (run.error.strip().splitlines() or ["no reason was given"])[-1][:120]
        yield _run(run, f"Run {run.pk} failed", f"{reason}. {goes_on}", "Open the run", "bad")
    elif run.status == TrainingRun.Status.REFUSED and run.pk != serving:
        note = str(run.verdict.get("summary") or "The gate did not let it through")
        yield _run(run, f"Run {run.pk} was refused", note, "See why", "warn")
    elif run.status == TrainingRun.Status.SUCCEEDED and serving is not None and run.pk > serving:
        note = str(run.verdict.get("summary") or "The gate let it through")
        title = f"Model {run.pk} is waiting for your decision"
        yield _placed(title, note, "Compare", "models", "neutral", a=run.pk)


def _run(run: TrainingRun, title: str, note: str, action: str, tone: str) -> Placed:
    return Placed(Finding(title, note, action, address("model", run.pk), tone), "models")


def _retrain(placed: Placed) -> Placed:
    """The same with the way to a new run, for who may start one."""
    by_admin = replace(placed.finding, action="Retrain", href=address("retrain"))
    return replace(placed, permission=roles.RETRAIN, by_admin=by_admin)


def _gaps(newest: datetime | None) -> Iterator[Placed]:
    """Columns that many products lack: one query over the catalogue."""
    sql = """
        SELECT count(*), count(*) FILTER (WHERE category_id IS NULL), count(*) FILTER (WHERE price IS NULL),
               count(*) FILTER (WHERE title = ''), count(*) FILTER (WHERE brand = ''),
               count(*) FILTER (WHERE is_stub)
        FROM catalog_product WHERE retired_at IS NULL
    """
    with connection.cursor() as cursor:
        cursor.execute(sql)
        total, *missing, stubs = cursor.fetchone()
    for (name, (words, effect)), count in zip(_GAPS.items(), missing, strict=True):
        if total and count / total >= MISSING:
            share = numbers.percent(count / total, 1)
            query = {"missing": name}
            yield _placed(
                f"{share} of products lack {words}", effect, "See products", "products", "warn", "data", **query
            )
    if stubs:
        title = f"{numbers.plural(stubs, 'product')} known from events only"
        note = "The catalogue has not named them yet"
        yield _placed(title, note, "See products", "products", "neutral", "data", state="unknown")


def _conflicts(newest: datetime | None) -> Iterator[Placed]:
    """Live rules that get in each other's way, over the catalogue as serving holds it."""
    rules = steering.rule_rows()
    compiled = steering.as_rules(rules)
    if not compiled:
        return
    reads = {row["id"]: acceptance.read_of(row["verb"], row["condition"], row["parameters"]) for row in rules}
    meant = acceptance.accepted(reads)
    catalogue = state.current().catalogue
    rows = list(Placement.objects.values_list("slug", "n", "title", "is_active"))
    sizes = {slug: n for slug, n, _, is_active in rows if is_active}
    titles = {slug: title for slug, _, title, _ in rows}
    now = timezone.now().timestamp()
    for found in conflicts(compiled, catalogue.shelf, sizes=sizes, at=now, sellable=catalogue.sellable, titles=titles):
        if acceptance.key_of(found) in meant:
            continue
        where = ", ".join(titles.get(slug, slug) for slug in found.placement.split(", "))
        title = f"Rules in each other's way on {where}" if found.placement else "A rule needs a look"
        yield _placed(title, found.text, "Resolve", "rules", "bad" if len(found.rules) > 1 else "warn")


def _ignored(newest: datetime | None) -> Iterator[Placed]:
    """Placements that are ignored more than in the four weeks before, by more than chance."""
    last = feedback.newest_day()
    if last is None:
        return
    titles = dict(Placement.objects.values_list("slug", "title"))
    for row in feedback.by("placement", feedback.Scope(last - RANGE + timedelta(days=1), last)):
        now, before = row.counts.ignore_rate, row.previous.ignore_rate
        change = feedback.difference(now, before)
        if now is None or change is None or now.too_few or change[1] <= RISEN:
            continue
        title = f"{numbers.percent(now.value, 0)} ignored in {titles.get(row.key, row.key)}"
        note = f"Up {numbers.points(change[0])} against the four weeks before"
        yield _placed(title, note, "See feedback", "feedback", "warn", placement=row.key)


def _rejects(newest: datetime | None) -> Iterator[Placed]:
    since = timezone.now() - timedelta(days=7)
    waiting = RejectedEvent.objects.filter(replayed_at__isnull=True, received_at__gte=since).count()
    if waiting:
        note = "They are kept and can be replayed once the cause is mended"
        title = f"{numbers.plural(waiting, 'event')} of the last 7 days rejected"
        yield _placed(title, note, "See why", "data", "warn", "data")


#: In the order in which equals are listed. Each yields what it found; ``newest`` is the newest event's time.
CHECKS: list[Callable[[datetime | None], Iterator[Placed]]] = [_setup, _models, _conflicts, _ignored, _rejects, _gaps]


def _placed(title: str, note: str, action: str, to: str, tone: str, page: str = "", **query: object) -> Placed:
    """``to`` is a page's name, opened with ``query``."""
    href = address(to, **query) or address("overview")
    return Placed(Finding(title, note, action, href, tone), page or (to if to in ("models", "data", "rules") else ""))
