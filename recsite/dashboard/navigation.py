"""The frame around every page: navigation, vitals, who is looking, in which colour scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from recsite.api import sight
from recsite.dashboard import numbers, roles
from recsite.dashboard.components import Toast
from recsite.dashboard.shop import read_shop

THEMES = ("light", "dark", "system")
MINUTES = 5  # over which answers are timed
FRESH = 5  # seconds that vitals and counts are kept: every page shows them, none may pay for them

# (heading, [(url name, label, permission)]); a page whose address does not exist is not listed.
_PAGES: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("", (("overview", "Overview", roles.SEE),)),
    (
        "Steer",
        (
            ("placements", "Placements", roles.SEE),
            ("preview", "Preview", roles.SEE),
            ("rules", "Rules", roles.SEE),
            ("experiments", "Experiments", roles.SEE),
        ),
    ),
    (
        "Understand",
        (
            ("shoppers", "Shoppers", roles.SEE),
            ("products", "Products", roles.SEE),
            ("feedback", "Feedback", roles.SEE),
        ),
    ),
    (
        "Run",
        (("models", "Models", roles.SEE), ("data", "Data", roles.SEE), ("settings", "Settings", roles.SEE)),
    ),
)


@dataclass(frozen=True)
class NavItem:
    name: str
    label: str
    href: str
    current: bool
    count: int = 0  # open conflicts or findings, shown in amber
    count_of: str = ""


@dataclass(frozen=True)
class NavGroup:
    heading: str
    items: Sequence[NavItem]


@dataclass(frozen=True)
class Vital:
    """A line at the foot of the navigation: ``Last event 2 s ago``."""

    label: str
    value: str


@dataclass(frozen=True)
class Person:
    name: str
    initials: str
    role: str


@dataclass(frozen=True)
class Shell:
    """What ``base.html`` shows around a page. ``theme`` is light, dark or empty (as the system has it)."""

    shop_name: str
    theme: str
    groups: Sequence[NavGroup]
    vitals: Sequence[Vital]
    person: Person | None
    toasts: Sequence[Toast]
    search_url: str
    keys_on: bool


def console(request: HttpRequest) -> dict[str, Any]:
    """Context processor: every template gets ``console``, built only when it is used."""
    made: list[Shell] = []

    def shell() -> Shell:
        if not made:
            made.append(shell_of(request))
        return made[0]

    return {"console": shell}


def shell_of(request: HttpRequest) -> Shell:
    """The frame for this request."""
    user = getattr(request, "user", None)
    known = user is not None and user.is_authenticated
    return Shell(
        shop_name=shop_name(),
        theme=theme(request),
        groups=_groups(request) if known else (),
        vitals=vitals() if known else (),
        person=_person(user) if known else None,
        toasts=_toasts(request),
        search_url=_address("search"),
        keys_on=request.COOKIES.get("keys") != "off",
    )


def theme(request: HttpRequest) -> str:
    """The scheme that the cookie asks for; empty follows the system."""
    wanted = request.COOKIES.get("theme", "")
    return wanted if wanted in {"light", "dark"} else ""


def shop_name() -> str:
    """The shop's name: what an admin set, else the environment's."""

    def read() -> str:
        try:
            return read_shop().name
        except DatabaseError:  # the frame of an error page must not fail for the reason of the error
            return settings.SHOP_NAME

    return str(cache.get_or_set("console:shop-name", read, FRESH))


def vitals() -> Sequence[Vital]:
    """When the last event came, how fast lists are answered, which model serves."""
    return tuple(cache.get_or_set("console:vitals", _read_vitals, FRESH) or ())


def _read_vitals() -> list[Vital]:
    from behavior.models import Event
    from recommender.models import Switch

    try:
        last = Event.objects.order_by("-at").values_list("at", flat=True).first()
        run = Switch.objects.values_list("generation__run_id", flat=True).first()
    except DatabaseError:  # as above: the foot of the navigation stays empty
        return []
    lately = sight.lately(MINUTES)
    p95 = lately.p95 if lately else None
    return [
        Vital("Last event", numbers.ago(last) if last else "none yet"),
        *([Vital("Answers in", f"{numbers.milliseconds(1000 * p95)} (p95)")] if p95 is not None else []),
        Vital("Serving", f"model {run}" if run else "best sellers"),
    ]


def counts() -> dict[str, int]:
    """Open findings by the name of the page that mends them."""
    return dict(cache.get("console:counts") or {})


def set_counts(found: dict[str, int]) -> None:
    """Let whoever computes conflicts and findings show their number in the navigation (kept for ten minutes)."""
    cache.set("console:counts", found, 600)


def _groups(request: HttpRequest) -> Sequence[NavGroup]:
    found = counts()
    groups = []
    for heading, pages in _PAGES:
        items = [
            _item(request, name, label, found.get(name, 0))
            for name, label, permission in pages
            if _address(name) and request.user.has_perm(permission)
        ]
        if items:
            groups.append(NavGroup(heading, items))
    return groups


def _item(request: HttpRequest, name: str, label: str, count: int) -> NavItem:
    href = _address(name)
    current = request.path == href if href == "/" else request.path.startswith(href)
    return NavItem(name, label, href, current, count, "conflict" if name == "rules" else "finding")


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _person(user: Any) -> Person:
    name = user.get_full_name() or user.get_username()
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word]
    initials = "".join(word[0] for word in words[:2]) if len(words) > 1 else name[:2]
    return Person(name, initials.upper(), roles.role_of(user).capitalize())


def _toasts(request: HttpRequest) -> Sequence[Toast]:
    """Django's messages, as toasts; ``extra_tags="undo:/rules/4/undo/"`` gives one its way back."""
    if not hasattr(request, "_messages"):
        return ()
    return tuple(
        Toast(str(message), next((tag[5:] for tag in message.extra_tags.split() if tag.startswith("undo:")), ""))
        if message.extra_tags
        else Toast(str(message))
        for message in get_messages(request)
    )
