"""Who works in the console, in which role, and whether they still do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.urls import reverse

from recsite.dashboard import numbers, second_factor, tables
from recsite.dashboard.addresses import changed, page
from recsite.dashboard.components import (
    Action,
    Badge,
    Component,
    Dialog,
    Fact,
    Facts,
    Field,
    FilterBar,
    Nothing,
    Notice,
    Option,
    PageHeader,
    Select,
    Tabs,
    any_or_one,
)
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.pages.settings.once import OncePage
from recsite.dashboard.people import ROLES
from recsite.dashboard.roles import ADMIN, MERCHANDISER, role_of
from recsite.dashboard.tables import Cell, Column, Row, Table

ROLE_WORDS = {
    MERCHANDISER: "sees everything, steers placements and rules",
    ADMIN: "does everything: retrains, promotes, imports, makes keys, lets people in",
}
_STATES = {"active": "Can log in", "away": "Deactivated"}
_COLUMNS = (
    Column("Person"),
    Column("Role"),
    Column("Added", wide=True),
    Column("Last log-in", numeric=True),
    Column("State", numeric=True, wide=True),
)


@dataclass(frozen=True)
class PeoplePage:
    header: PageHeader
    tabs: Tabs
    filters: FilterBar
    table: Table


@dataclass(frozen=True)
class PersonPage:
    """One person, with what can be done with them; ``own`` says why some of it cannot be done with oneself."""

    header: PageHeader
    tabs: Tabs
    facts: Facts
    role: Action | None
    role_text: str
    link: Action
    factor: Action | None
    factor_text: str
    access: Action | None
    access_text: str
    own: str


@dataclass(frozen=True)
class InvitePage:
    header: PageHeader
    tabs: Tabs
    name: Field
    role: Select


def build(params: Mapping[str, str], permissions: Collection[str], *, me: User) -> PeoplePage:
    """Fifty people by name. Queries: count, people, their groups."""
    wanted = {key: params.get(key, "") for key in ("q", "role", "state")}
    chosen = _matching(wanted)
    total = chosen.count()
    number = tables.page_number(params, total)
    start = (number - 1) * tables.PAGE_SIZE
    head = frame(
        "settings-people",
        "Who works here, and what may they do?",
        permissions,
        actions=[Action("Invite a person", page("settings-person-new"), "primary")],
    )
    return PeoplePage(
        head.header,
        head.tabs,
        _filters(wanted, total),
        Table(
            caption="People with a log-in",
            columns=_COLUMNS,
            rows=[_row(person, me) for person in chosen[start : start + tables.PAGE_SIZE]],
            pager=tables.pager(page=number, total=total, noun="people", params=params),
            empty=_nobody(wanted),
            id="people",
        ),
    )


def build_one(person: User, permissions: Collection[str], *, me: User) -> PersonPage:
    """``me``: who looks."""
    head = frame("settings-people", _sentence(person), permissions, title=person.get_username())
    own, factor_on = person.pk == me.pk, second_factor.is_on(person)
    other = MERCHANDISER if role_of(person) == ADMIN else ADMIN
    words = f"Make {'an admin' if other == ADMIN else 'a merchandiser'}"
    access = (
        Action("Deactivate", reverse("settings-person-access", args=[person.pk, "away"]), "danger", post=True)
        if person.is_active
        else Action("Let in again", reverse("settings-person-access", args=[person.pk, "active"]), post=True)
    )
    return PersonPage(
        header=head.header,
        tabs=head.tabs,
        facts=_facts(person, factor_on),
        role=None if own else Action(words, reverse("settings-person-role", args=[person.pk, other]), post=True),
        role_text=f"{other.capitalize()}: {ROLE_WORDS[other]}.",
        link=Action("Make a link", reverse("settings-person-link", args=[person.pk]), post=True),
        factor=_factor(person) if factor_on and not own else None,
        factor_text="For who lost phone and recovery codes: they log in with the password alone, and set up another.",
        access=None if own else access,
        access_text=(
            "From their next click on they are logged out and cannot log in. What they did stays under their name."
            if person.is_active
            else "They log in with the role and the password that they had."
        ),
        own="This is you: another admin can change your role or let you go." if own else "",
    )


def build_invite(
    permissions: Collection[str], *, username: str = "", role: str = "", errors: Mapping[str, str] | None = None
) -> InvitePage:
    """``errors``: of a refused form, by field."""
    told = errors or {}
    question = "They get a link on which they choose their own password."
    head = frame("settings-people", question, permissions, title="Invite a person")
    return InvitePage(
        head.header,
        head.tabs,
        Field(
            "username",
            "Name to log in with",
            username,
            hint="Letters, digits, or any of @ . + - _",
            error=told.get("username", ""),
            required=True,
            limits={"maxlength": "150", "autocapitalize": "none", "spellcheck": "false"},
        ),
        Select(
            "role",
            "Role",
            [
                Option(name, f"{name.capitalize()} – {ROLE_WORDS[name]}", name == (role or MERCHANDISER))
                for name in ROLES
            ],
        ),
    )


def build_link(person: User, permissions: Collection[str], *, link: str) -> OncePage:
    """The link on which ``person`` sets a password."""
    head = frame("settings-people", _sentence(person), permissions, title=person.get_username())
    text = (
        f"Give it to {person.get_username()} and to nobody else: whoever opens it first chooses the password. It works "
        "once, for three days, and is not shown again."
    )
    return OncePage(
        head.header,
        head.tabs,
        Notice("Copy it now.", text, "warn"),
        label="Link to set a password",
        secret=link,
        after=[Action("I have it", page("settings-people"), "primary")],
    )


def _matching(wanted: Mapping[str, str]) -> QuerySet[User]:
    rows = User.objects.prefetch_related("groups").order_by("username")
    if text := wanted["q"].strip():
        rows = rows.filter(Q(username__icontains=text) | Q(first_name__icontains=text) | Q(last_name__icontains=text))
    is_admin = Q(groups__name=ADMIN) | Q(is_superuser=True)
    if wanted["role"] == ADMIN:
        rows = rows.filter(is_admin).distinct()
    elif wanted["role"] == MERCHANDISER:
        rows = rows.filter(groups__name=MERCHANDISER).exclude(pk__in=User.objects.filter(is_admin).values("pk"))
    if wanted["state"] in _STATES:
        rows = rows.filter(is_active=wanted["state"] == "active")
    return rows


def _filters(wanted: Mapping[str, str], total: int) -> FilterBar:
    roles = {name: name.capitalize() for name in ROLES}
    return FilterBar(
        action=page("settings-people"),
        query=wanted["q"],
        placeholder="Filter by name",
        selects=[
            any_or_one("role", "Role", "Any role", roles, wanted["role"]),
            any_or_one("state", "State", "Any state", _STATES, wanted["state"]),
        ],
        count=numbers.plural(total, "person", "people"),
        clear_href=changed({}) if any(wanted.values()) else "",
        target="list",
    )


def _row(person: User, me: User) -> Row:
    you = Badge("you") if person.pk == me.pk else None
    return Row(
        href=reverse("settings-person", args=[person.pk]),
        id=str(person.pk),
        cells=[
            Cell(person.get_username(), note=person.get_full_name(), badge=you),
            Cell(role_of(person).capitalize() or "none", tone="" if role_of(person) else "muted"),
            Cell(numbers.day(person.date_joined)),
            Cell(numbers.ago(person.last_login), tone="" if person.last_login else "muted"),
            Cell(_state(person)),
        ],
    )


def _state(person: User) -> Badge:
    if not person.is_active:
        return Badge("deactivated")
    return Badge("can log in", "good") if person.has_usable_password() else Badge("invited", "warn")


def _sentence(person: User) -> str:
    role = role_of(person)
    return f"{role.capitalize()}: {ROLE_WORDS[role]}." if role in ROLE_WORDS else "Without a role: sees nothing."


def _factor(person: User) -> Action:
    return Action("Reset it…", reverse("settings-person-second-factor", args=[person.pk]), "danger")


def reset_dialog(person: User) -> Dialog:
    name = person.get_username()
    return Dialog(
        id="reset-second-factor",
        title=f"Reset the second factor of {name}?",
        text=f"Their phone's key and recovery codes are forgotten at once: {name} logs in with the password alone. Be "
        "sure that it is they who ask.",
        action=reverse("settings-person-second-factor", args=[person.pk]),
        confirm="Reset it",
        type_this=name,
        cancel_href=reverse("settings-person", args=[person.pk]),
    )


def _facts(person: User, factor_on: bool) -> Facts:
    further = [group.name for group in person.groups.all() if group.name not in ROLES]
    return Facts(
        [
            Fact("State", _state(person).text),
            Fact("Role", role_of(person).capitalize(), note="from the command line" if person.is_superuser else ""),
            *([Fact("Further groups", ", ".join(further))] if further else []),
            Fact("Full name", person.get_full_name()),
            Fact("Second factor", "on" if factor_on else "off"),
            Fact("Added", numbers.day(person.date_joined)),
            Fact("Last log-in", numbers.ago(person.last_login)),
        ]
    )


def _nobody(wanted: Mapping[str, str]) -> Component:
    what = f"Nobody is called “{wanted['q']}”" if wanted["q"] else "Nobody is like this"
    return Nothing(what, "", [Action("Clear filters", changed({}), small=True)])
