"""What was done, said on the next page, with the way back."""

from __future__ import annotations

from typing import Protocol

from django.contrib import messages
from django.http import HttpRequest


class Done(Protocol):
    """What an act on rules, placements or models returns."""

    @property
    def text(self) -> str: ...
    @property
    def undo_url(self) -> str: ...


def tell(request: HttpRequest, text: str, undo_url: str = "") -> None:
    """A toast; ``undo_url`` is posted to by its Undo (empty: no way back)."""
    messages.success(request, text, extra_tags=f"undo:{undo_url}" if undo_url else "")


def tell_done(request: HttpRequest, done: Done) -> None:
    """The toast of an act."""
    tell(request, done.text, done.undo_url)
