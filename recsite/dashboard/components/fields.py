"""Fields of forms and of filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


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


def any_or_one(name: str, label: str, anything: str, choices: Mapping[str, str], value: str) -> Select:
    """A filter's select: ``anything`` in words where ``value`` is empty, then ``choices`` (what is sent → words)."""
    options = [Option("", anything, not value)]
    return Select(name, label, options + [Option(key, text, key == value) for key, text in choices.items()])


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
