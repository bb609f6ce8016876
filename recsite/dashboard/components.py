"""What the console is built of: one frozen dataclass for each component, with the template that draws it.

A page's dataclass holds these; its template writes ``{% show page.stats %}``. Nothing else need be passed.
Tiles are in ``tiles``, tables in ``tables``, lists of tiles in ``lists``, reasons and timelines in ``evidence``,
bars and lines in ``graphics``, Plotly charts in ``charts``, date ranges in ``ranges``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl

from recsite.dashboard import numbers
from recsite.dashboard.graphics import Spark
from recsite.dashboard.tiles import Tile


class Component(Protocol):
    """Anything that ``{% show %}`` draws: its template sees it as ``c``."""

    template: ClassVar[str]


@dataclass(frozen=True)
class Badge:
    """A state in a word. ``tone``: neutral, accent, good, warn, bad or simulated (hatched)."""

    template: ClassVar[str] = "partials/badge.html"
    text: str
    tone: str = "neutral"


SIMULATED = Badge("simulated", "simulated")


@dataclass(frozen=True)
class State:
    """A dot and a word; ``tone``: good, warn, bad, accent or neutral."""

    template: ClassVar[str] = "partials/state.html"
    text: str
    tone: str = "neutral"


@dataclass(frozen=True)
class ReasonChip:
    """Why a product is in a list: at most 28 characters, starts with a verb. ``by_rule`` colours it."""

    template: ClassVar[str] = "partials/chip.html"
    text: str
    by_rule: bool = False


@dataclass(frozen=True)
class Delta:
    """A change. ``sign`` ▲, ▼ or ≈ (within the noise) or "" (no previous period); ``better`` None is neither."""

    template: ClassVar[str] = "partials/delta.html"
    text: str
    sign: str = ""
    better: bool | None = None
    note: str = ""

    @property
    def tone(self) -> str:
        return "" if self.better is None or self.sign == "≈" else ("good" if self.better else "bad")

    @property
    def spoken(self) -> str:
        return {"▲": "up", "▼": "down", "≈": "about the same,"}.get(self.sign, "")


def delta_of_counts(now: float, before: float | None, *, note: str = "", more_is_better: bool = True) -> Delta:
    """The change of a count in per cent; a dash where there is no previous period."""
    if not before:
        return Delta(numbers.NONE, note=note)
    change = now / before - 1
    text = numbers.percent(abs(change), 0 if abs(change) >= 1 else 1)
    return Delta(text, _arrow(change), (change > 0) == more_is_better if change else None, note)


def delta_of_rates(
    now: float | None, before: float | None, *, noise: float = 0.0, note: str = "", more_is_better: bool = True
) -> Delta:
    """The change of a rate in points; ``noise`` is half the width of the difference's interval (a fraction)."""
    if now is None or before is None:
        return Delta(numbers.NONE, note=note)
    change = now - before
    if abs(change) <= noise:
        return Delta(numbers.points(change), "≈", None, note or "within the noise")
    return Delta(numbers.points(change), _arrow(change), (change > 0) == more_is_better, note)


def _arrow(change: float) -> str:
    return "▲" if change > 0 else "▼" if change < 0 else "≈"


@dataclass(frozen=True)
class Stat:
    """One figure: label, value with a small unit, delta or note beneath, and a spark line."""

    label: str
    value: str
    unit: str = ""
    delta: Delta | None = None
    note: str = ""
    spark: Spark | None = None
    href: str = ""

    @property
    def is_none(self) -> bool:
        return self.value in {"no data", numbers.NONE}


@dataclass(frozen=True)
class StatStrip:
    """Three to six figures in one card. ``simulated`` hatches its upper edge."""

    template: ClassVar[str] = "partials/stats.html"
    stats: Sequence[Stat]
    label: str = "Key figures"
    simulated: bool = False

    @property
    def badge(self) -> Badge | None:
        return SIMULATED if self.simulated else None


@dataclass(frozen=True)
class Action:
    """A link, or with ``post`` a one-button form. ``kind``: default, primary, quiet, danger, danger-solid, link.

    ``download``: a button that fetches the file at ``href``; a link would promise a page.

    ``fields`` are sent with the form. ``key`` is shown and pressed by the keyboard. A refused action stays visible
    with ``disabled``, and says why in ``hint``.
    """

    template: ClassVar[str] = "partials/action.html"
    label: str
    href: str = ""
    kind: str = "default"
    post: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    hint: str = ""
    small: bool = False
    disabled: bool = False
    icon: str = ""
    download: bool = False

    @property
    def address(self) -> str:
        """``href`` without its query, which a form sends as fields."""
        return self.href.split("?", 1)[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.href.partition("?")[2])

    @property
    def classes(self) -> str:
        if self.kind == "link":
            return "link-button"
        return (
            "button"
            + (f" button-{self.kind}" if self.kind != "default" else "")
            + (" button-small" if self.small else "")
        )


@dataclass(frozen=True)
class Copy:
    """A button that copies ``text``; without a script the text can be opened and selected."""

    template: ClassVar[str] = "partials/copy.html"
    label: str
    text: str


@dataclass(frozen=True)
class Segment:
    label: str
    href: str
    current: bool = False


@dataclass(frozen=True)
class Segments:
    """A choice among a few views. Segments are links; ``label`` names the choice for readers."""

    template: ClassVar[str] = "partials/segments.html"
    label: str
    items: Sequence[Segment]


@dataclass(frozen=True)
class Tabs:
    """Parts of one page (Settings). The same as segments, drawn as tabs."""

    template: ClassVar[str] = "partials/tabs.html"
    label: str
    items: Sequence[Segment]


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True)
class Select:
    """A labelled choice in a form or filter bar."""

    template: ClassVar[str] = "partials/select.html"
    name: str
    label: str
    options: Sequence[Option]
    hint: str = ""
    required: bool = False


@dataclass(frozen=True)
class Field:
    """A labelled input of a form. ``error`` says what was expected and what came; ``suggestions`` are offered as one
    types. ``limits`` are further attributes of the input: min, max, step, maxlength, pattern."""

    template: ClassVar[str] = "partials/field.html"
    name: str
    label: str
    value: str = ""
    type: str = "text"
    hint: str = ""
    error: str = ""
    required: bool = False
    autocomplete: str = "off"
    suggestions: Sequence[Option] = ()
    limits: Mapping[str, str] = field(default_factory=dict)
    disabled: bool = False

    @property
    def described_by(self) -> str:
        """The ids of what readers hear after the label."""
        parts = (("hint", self.hint), ("error", self.error))
        return " ".join(f"field-{self.name}-{part}" for part, text in parts if text)


@dataclass(frozen=True)
class Checks:
    """Any of a few choices, one check box each."""

    template: ClassVar[str] = "partials/checks.html"
    name: str
    label: str
    options: Sequence[Option]
    hint: str = ""
    error: str = ""


@dataclass(frozen=True)
class FilterBar:
    """A GET form whose state is in the address: a search field, selects, the count, "Clear filters" once set.

    ``target`` is the id of the element that holds the list: it is replaced as one types (without scripts the form is
    sent). ``keep`` are further parameters of the address, such as the sorting.
    """

    template: ClassVar[str] = "partials/filters.html"
    action: str
    query: str = ""
    placeholder: str = ""
    selects: Sequence[Select] = ()
    count: str = ""
    clear_href: str = ""
    target: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    search: bool = True
    fields: Sequence[Field] = ()  # further inputs, such as a day


@dataclass(frozen=True)
class SearchBox:
    """Search as one types, as a combobox: ``url`` answers ``?q=`` with ``SearchResults``.

    With ``name`` the chosen result's value goes into a hidden field of the surrounding form; without, a result is a
    link to follow. ``text`` is what the field shows now, ``value`` what the hidden field holds.
    """

    template: ClassVar[str] = "partials/search_box.html"
    id: str
    label: str
    url: str
    placeholder: str = ""
    name: str = ""
    value: str = ""
    text: str = ""
    submit: bool = False  # send the form when something is chosen


@dataclass(frozen=True)
class SearchOption:
    """One result: ``name`` is cut into (text, matched) pieces by ``search.pieces``."""

    value: str
    name: Sequence[tuple[str, bool]]
    note: str = ""
    href: str = ""
    tile: Tile | None = None

    @property
    def text(self) -> str:
        return "".join(piece for piece, _ in self.name)


@dataclass(frozen=True)
class SearchGroup:
    heading: str
    options: Sequence[SearchOption]


@dataclass(frozen=True)
class SearchResults:
    """What a search found, in groups; ``none`` says what to do when there is nothing."""

    template: ClassVar[str] = "partials/search_results.html"
    id: str  # of the search box
    groups: Sequence[SearchGroup]
    none: str = ""
    summary: str = ""  # read out: "3 of 68,509"

    @property
    def found(self) -> bool:
        return any(group.options for group in self.groups)


def pieces(text: str, typed: str) -> list[tuple[str, bool]]:
    """Cut a name where what was typed occurs, so that the template can mark it: [("Main", False), ("str", True)]."""
    at = text.casefold().find(typed.casefold()) if typed.strip() else -1
    if at < 0:
        return [(text, False)]
    end = at + len(typed)
    return [piece for piece in ((text[:at], False), (text[at:end], True), (text[end:], False)) if piece[0]]


@dataclass(frozen=True)
class Step:
    """A part of a long job. ``state``: done, current, waiting or failed; ``fraction`` draws its own bar."""

    label: str
    state: str = "waiting"
    note: str = ""
    fraction: float | None = None

    @property
    def mark(self) -> str:
        return {"done": "✓", "failed": "!"}.get(self.state, "")

    @property
    def per_cent(self) -> int | None:
        return None if self.fraction is None else round(self.fraction * 100)


@dataclass(frozen=True)
class Later:
    """Blocks that a page asks for itself once it is shown, because they take longer to count. ``href`` answers them;
    ``whole`` is the page with everything, for browsers without scripts and for when they do not arrive."""

    template: ClassVar[str] = "partials/later.html"
    href: str
    whole: str


@dataclass(frozen=True)
class Progress:
    """A long job: its steps, how far, how long still, how fast, and how fresh this news is.

    ``fraction`` 0..1, ``left`` and ``silent`` in seconds (``silent``: since the last news). ``url`` is asked for this
    same fragment every second while ``running``. ``tall`` puts the steps beneath each other.
    """

    template: ClassVar[str] = "partials/progress.html"
    label: str
    fraction: float | None
    steps: Sequence[Step] = ()
    left: float | None = None
    facts: Sequence[str] = ()
    silent: float | None = None
    url: str = ""
    running: bool = True
    tall: bool = False
    started: str = ""

    @property
    def per_cent(self) -> int:
        return round(min(1.0, max(0.0, self.fraction or 0.0)) * 100)

    @property
    def left_text(self) -> str:
        return "" if self.left is None or not self.running else f"about {numbers.duration(round(self.left))} left"

    @property
    def stale(self) -> bool:
        return self.running and self.silent is not None and self.silent > 10

    @property
    def news(self) -> str:
        if self.silent is None or not self.running:
            return ""
        seconds = f"{round(self.silent)}{numbers.THIN}s"
        return f"No news for {seconds}" if self.stale else f"updated {seconds} ago"


@dataclass(frozen=True)
class Toast:
    """What is live since when, with the way back: ``undo_url`` is posted to by Undo or ``Z``."""

    template: ClassVar[str] = "partials/toast.html"
    text: str
    undo_url: str = ""


@dataclass(frozen=True)
class Dialog:
    """Only for what cannot be undone: what goes, when, what stays; ``type_this`` must be typed to confirm.

    Opened by an element with ``data-opens`` and this id; without scripts the same markup stands on a page of its own.
    """

    template: ClassVar[str] = "partials/dialog.html"
    id: str
    title: str
    text: str
    action: str
    confirm: str
    type_this: str = ""
    field_name: str = "confirm"
    keep: str = "Keep"
    cancel_href: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """A coloured block with a heading, a sentence and the ways out. ``tone``: info, good, warn, bad or grey.

    A conflict of rules is a ``warn`` notice: it names both rules, the placement, the dates and who wins, and each of
    its two or three actions solves it. An error is a ``bad`` one: what stopped, what goes on, what to do.
    """

    template: ClassVar[str] = "partials/notice.html"
    title: str
    text: str = ""
    tone: str = "info"
    actions: Sequence[Component] = ()

    @property
    def icon(self) -> str:
        return {"warn": "warning", "bad": "warning", "good": "check"}.get(self.tone, "info")


@dataclass(frozen=True)
class EmptyState:
    """Nothing here yet: three tiles, one line of fact and advice, one primary action."""

    template: ClassVar[str] = "partials/empty.html"
    title: str
    text: str
    actions: Sequence[Action] = ()
    tiles: Sequence[Tile] = ()


@dataclass(frozen=True)
class Nothing:
    """Nothing found in what is here: why, and how to widen."""

    template: ClassVar[str] = "partials/nothing.html"
    title: str
    text: str = ""
    actions: Sequence[Action] = ()


@dataclass(frozen=True)
class Finding:
    """Something that needs attention, and the one click to where it is mended. ``tone``: bad, warn or neutral."""

    title: str
    note: str
    action: str
    href: str
    tone: str = "neutral"


@dataclass(frozen=True)
class Findings:
    template: ClassVar[str] = "partials/findings.html"
    items: Sequence[Finding]
    none: str = "Nothing needs you. Everything was checked just now."


@dataclass(frozen=True)
class Fact:
    """A term and its value; an empty value reads "not given"."""

    term: str
    value: str
    note: str = ""
    href: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Facts:
    template: ClassVar[str] = "partials/facts.html"
    items: Sequence[Fact]


@dataclass(frozen=True)
class Crumb:
    label: str
    href: str = ""


@dataclass(frozen=True)
class PageHeader:
    """A page's title, the question that it answers, and its actions (at most one primary)."""

    template: ClassVar[str] = "partials/page_header.html"
    title: str
    question: str = ""
    actions: Sequence[Any] = ()  # Action, Copy, Select form or DateRange: whatever {% show %} draws
    badge: Badge | None = None
    crumbs: Sequence[Crumb] = ()

    @property
    def quiet(self) -> list[Action]:
        """What goes into "More" on a small screen."""
        return [action for action in self.actions if isinstance(action, Action) and action.kind == "quiet"]
