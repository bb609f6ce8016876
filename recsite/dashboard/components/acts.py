"""What a person may do: actions, one of several views, what was done and its way back, what is asked first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import parse_qsl


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
        return _button_classes(self.kind, small=self.small)


@dataclass(frozen=True)
class Submit:
    """A button that sends the form ``rule-form`` of its page: ``name`` and ``value`` say what for."""

    template: ClassVar[str] = "partials/submit.html"
    label: str
    value: str
    name: str = "do"
    kind: str = "default"
    small: bool = False
    save: bool = False  # what Ctrl ↵ presses

    @property
    def classes(self) -> str:
        return _button_classes(self.kind, small=self.small)


def _button_classes(kind: str, *, small: bool) -> str:
    return "button" + (f" button-{kind}" if kind != "default" else "") + (" button-small" if small else "")


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
