"""What is shown a single time: the text of a key, the link to a password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recsite.dashboard.components import Action, Notice, PageHeader, Tabs


@dataclass(frozen=True)
class OncePage:
    """``secret`` is to be copied now; ``example`` says how it is used, ``after`` where to go then."""

    header: PageHeader
    tabs: Tabs
    notice: Notice
    label: str
    secret: str
    example_label: str = ""
    example: str = ""
    after: Sequence[Action] = ()
