"""What the parts of Settings share: the heading and the tabs that one's role may open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from recsite.dashboard import roles
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Crumb, PageHeader, Segment, Tabs

#: Address, label, permission of each part.
SECTIONS = (
    ("settings", "Shop", roles.SEE),
    ("settings-keys", "Keys", roles.EDIT_KEYS),
    ("settings-people", "People", roles.EDIT_PEOPLE),
    ("settings-event-types", "Event types", roles.EDIT_EVENT_TYPES),
    ("settings-audit", "Audit log", roles.SEE_AUDIT),
    ("settings-you", "You", roles.SEE),
)


@dataclass(frozen=True)
class Frame:
    """The head of each part of Settings."""

    header: PageHeader
    tabs: Tabs


def frame(
    section: str,
    question: str,
    permissions: Collection[str],
    *,
    title: str = "",
    actions: Sequence[Action] = (),
) -> Frame:
    """The head of the part ``section`` (its address's name). ``title``: of a page beneath it."""
    label = next(label for name, label, _ in SECTIONS if name == section)
    crumbs = [Crumb("Settings", page("settings")), *([Crumb(label, page(section))] if title else [])]
    return Frame(
        PageHeader(title or label, question, actions=actions, crumbs=crumbs),
        Tabs(
            "Settings",
            [
                Segment(label, page(name), name == section)
                for name, label, permission in SECTIONS
                if permission in permissions and page(name)
            ],
        ),
    )
