"""A run in shadow, on its own page: what it would have shown, beside what the shop was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from recommender import queries, shadow, shadow_comparison
from recommender.models import ShadowList, TrainingRun
from recommender.queries import InShadow
from recommender.shadow_comparison import Comparison, Day, Hits, Share
from recsite.dashboard import charts, numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart, Days
from recsite.dashboard.components import Action, Badge, Delta, Fact, Facts, Nothing, Progress, delta_of_rates
from recsite.dashboard.kept import Kept
from recsite.dashboard.measures import Z
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.tables import Cell, Column, Row, Table

ENOUGH = 300  # lists with an outcome, under which a share is too uncertain to judge by
_COMPARED: Kept[Comparison] = Kept("shadow comparison", seconds=60)
_KINDS = {"click": "clicked a product", "purchase": "bought a product"}
_DID = {"click": "Clicked", "purchase": "Bought"}


@dataclass(frozen=True)
class ShadowPart:
    """``nothing`` while no list is scored, else the figures; ``badge`` and ``progress`` while it is in shadow."""

    badge: Badge
    note: str
    progress: Progress | None
    nothing: Nothing | None
    facts: Facts | None
    held: Table | None
    chart: Chart | None
    days: Table | None
    said: str
    actions: Sequence[Action]


def build(run: TrainingRun, serving: Serving | None, *, permissions: frozenset[str]) -> ShadowPart | None:
    """None for a run that is not in shadow and has no list of when it was."""
    now = queries.in_shadow()
    is_in = now is not None and now.run.pk == run.pk
    if not is_in and not ShadowList.objects.filter(run=run).exists():
        return None
    found = _COMPARED.get(lambda: shadow_comparison.compare(run), run.pk)
    return ShadowPart(
        badge=Badge(f"in shadow since {numbers.moment(now.since)}", "accent") if now and is_in else Badge("ended"),
        note=_note(found, serving),
        progress=_progress(found, now) if now and is_in else None,
        nothing=_nothing(serving) if not found.lists else None,
        facts=_facts(found) if found.lists else None,
        held=_held(found) if found.lists else None,
        chart=_chart(found) if len(found.days) > 1 else None,
        days=_days(found) if found.lists else None,
        said=_said(found) if found.lists else "",
        actions=_out(run, permissions) if is_in else [],
    )


def put_action(run: TrainingRun, serving: Serving | None, permissions: frozenset[str]) -> list[Action]:
    """ "Put in shadow", for who may and a run that can be: it passed, its files are there, and another serves."""
    able = run.status == TrainingRun.Status.SUCCEEDED and bool(run.artifact)
    if roles.SWITCH_MODELS not in permissions or not able or serving is None or serving.run == run.pk:
        return []
    now = queries.in_shadow()
    if now and now.run.pk == run.pk:
        return []
    label = f"Put in shadow instead of {now.run.pk}" if now else "Put in shadow"
    return linked(Action(label, page("model-shadow", run.pk), post=True, small=True))


def _out(run: TrainingRun, permissions: frozenset[str]) -> list[Action]:
    if roles.SWITCH_MODELS not in permissions:
        return []
    return linked(Action("Take out of shadow", page("model-shadow-out", run.pk), post=True, small=True))


def _note(found: Comparison, serving: Serving | None) -> str:
    beside = found.serving_run or (serving.run if serving else None)
    return f"scored beside model {beside}, shown to nobody" if beside else "shown to nobody"


def _progress(found: Comparison, now: InShadow) -> Progress:
    """Up to the number of lists after which no more are scored."""
    facts = [
        f"{numbers.count(found.lists)} of {numbers.count(shadow.MOST_LISTS)} lists at most",
        f"newest of {numbers.moment(found.until)}" if found.until else "",
        f"up to {shadow.BATCH} a minute",
    ]
    return Progress(
        f"Lists scored since {numbers.moment(now.since)}",
        found.lists / shadow.MOST_LISTS,
        facts=[fact for fact in facts if fact],
        running=False,
    )


def _nothing(serving: Serving | None) -> Nothing:
    if serving is None:
        return Nothing("Nothing serves yet", "A model in shadow is scored beside the one that serves.")
    return Nothing(
        "No list was scored yet",
        "Every minute a worker takes the personal lists that the shop asked for, of shoppers it knows. "
        "The first figures come with the next ones.",
    )


def _facts(found: Comparison) -> Facts:
    moved = f"{found.moved.value:.1f} places" if found.moved else "no product is in both"
    lists = f"{numbers.count(found.lists)}, of {numbers.plural(found.shoppers, 'shopper')}"
    return Facts(
        [
            Fact("Lists compared", lists, f"since {numbers.moment(found.since)}"),
            Fact("In both lists of ten", _share(found.overlap), _bounds(found.overlap)),
            Fact("Those in both move by", moved, "on average"),
        ]
    )


def _held(found: Comparison) -> Table:
    """Clicks and purchases: the share of lists that held one of the products, of both models."""
    columns = [
        Column("After the list the shopper"),
        Column("Lists", numeric=True, wide=True),
        Column("Shadow held it", numeric=True),
        Column("Served list held it", numeric=True, wide=True),
        Column("Difference", numeric=True),
    ]
    by_kind = {hits.kind: hits for hits in found.hits}
    rows = [_held_row(words, by_kind.get(kind)) for kind, words in _KINDS.items()]
    return Table("The share of lists that held what was clicked or bought, by model", columns, rows)


def _held_row(words: str, hits: Hits | None) -> Row:
    if hits is None:
        nothing = [Cell("no data", tone="muted")] * 2
        return Row([Cell(words), Cell(numbers.count(0)), *nothing, Cell(numbers.NONE, tone="muted")])
    shares = [Cell(_share(one), note=_bounds(one)) for one in (hits.shadow, hits.serving)]
    return Row([Cell(words), Cell(numbers.count(hits.lists)), *shares, _ahead(hits)])


def _ahead(hits: Hits) -> Cell:
    """Shadow minus serving, list by list."""
    if hits.lists < ENOUGH or hits.difference.se != hits.difference.se:
        return Cell("too few to judge", tone="muted")
    noise = Z * hits.difference.se
    change = delta_of_rates(hits.shadow.value, hits.serving.value, noise=noise)
    return Cell(Delta(change.text, change.sign, change.better), note=f"± {numbers.points(noise)}")


def _share(share: Share | None) -> str:
    return numbers.percent(share.value if share else None, 1)


def _bounds(share: Share | None) -> str:
    if share is None or share.se != share.se:
        return ""
    return f"± {numbers.points(Z * share.se)}"


def _said(found: Comparison) -> str:
    hours = found.window / timedelta(hours=1)
    return (
        f"Counted are the lists after which the shopper clicked or bought something within {hours:g} hours; a list "
        "holds it where it is among its first ten. ≈ where the 95 % bounds of the difference, by shopper, hold 0. "
        "Shoppers click what they are shown, so the shadow’s clicks are a lower bound."
    )


def _chart(found: Comparison) -> Chart:
    first = found.days[0].day
    by_day = {day.day: day.overlap for day in found.days}
    span = [first + timedelta(days=n) for n in range((found.days[-1].day - first).days + 1)]
    shares = [by_day.get(day) for day in span]
    known = [share is not None and share.se == share.se for share in shares]
    errors = [Z * share.se if share and ok else None for share, ok in zip(shares, known, strict=True)]
    values = [share.value if share else None for share in shares]
    pairs = list(zip(values, errors, strict=True))
    days = Days(
        first,
        values,
        low=[max(0.0, v - e) if v is not None and e is not None else None for v, e in pairs],
        high=[min(1.0, v + e) if v is not None and e is not None else None for v, e in pairs],
    )
    return charts.line_chart(
        id="shadow-overlap", what="Products in both lists of ten", now=days, unit=charts.PERCENT, height=160
    )


def _days(found: Comparison) -> Table:
    columns = [Column("Day"), Column("Lists", numeric=True), Column("In both", numeric=True)]
    for words in _DID.values():
        columns += [
            Column(f"{words}: shadow", numeric=True, wide=True),
            Column("serving", numeric=True, wide=True),
            Column("difference", numeric=True, wide=True),
        ]
    rows = [_row(day) for day in reversed(found.days)]
    return Table("By the day of the list: what both lists held of what was clicked and bought after it", columns, rows)


def _row(day: Day) -> Row:
    cells = [
        Cell(numbers.day(day.day)),
        Cell(numbers.count(day.lists)),
        Cell(_share(day.overlap), note=_bounds(day.overlap)),
    ]
    for kind in _DID:
        hits = day.of(kind)
        if hits is None:
            cells += [Cell("no data", tone="muted"), Cell("no data", tone="muted"), Cell(numbers.NONE, tone="muted")]
            continue
        cells.append(Cell(_share(hits.shadow), note=_bounds(hits.shadow)))
        cells.append(Cell(_share(hits.serving), note=f"of {numbers.plural(hits.lists, 'list')}"))
        cells.append(_ahead(hits))
    return Row(cells)
