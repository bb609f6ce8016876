"""One's own password and appearance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import password_validators_help_texts

from recsite.dashboard import numbers, second_factor
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Fact, Facts, Field, PageHeader, Tabs
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.roles import role_of


@dataclass(frozen=True)
class YouPage:
    """Who one is here, and the form for another password. The look is the shell's: ``console.theme``."""

    header: PageHeader
    tabs: Tabs
    facts: Facts
    factor: Fact
    factor_href: str
    password: list[Field]
    username: str


@dataclass(frozen=True)
class QuestionPage:
    """The password once more; ``back``: where it leads then."""

    header: PageHeader
    tabs: Tabs
    password: Field
    back: str


def build(user: User, permissions: Collection[str], *, errors: Mapping[str, str] | None = None) -> YouPage:
    """``errors``: of a refused password, by field."""
    head = frame("settings-you", "Your own password and appearance.", permissions)
    return YouPage(
        header=head.header,
        tabs=head.tabs,
        facts=Facts(
            [
                Fact("Name", user.get_full_name() or user.get_username()),
                Fact("Role", role_of(user)),
                Fact("Last log-in", numbers.ago(user.last_login)),
            ]
        ),
        factor=_factor(user),
        factor_href=page("settings-second-factor"),
        password=_fields(errors or {}),
        username=user.get_username(),
    )


def build_question(back: str, permissions: Collection[str], *, error: str = "") -> QuestionPage:
    """``error``: what was wrong with the password that was typed."""
    head = frame("settings-you", "Keys and people can be changed for 15 minutes after.", permissions, title="Password")
    return QuestionPage(
        head.header,
        head.tabs,
        Field(
            "password", "Your password", type="password", error=error, required=True, autocomplete="current-password"
        ),
        back,
    )


def _factor(user: User) -> Fact:
    device = second_factor.device_of(user)
    if device is None:
        return Fact("Second factor", "off")
    left = numbers.plural(second_factor.codes_left(user), "recovery code")
    return Fact("Second factor", f"on since {numbers.moment(device.created_at)}", f"{left} left")


def _fields(errors: Mapping[str, str]) -> list[Field]:
    return [
        Field(
            "old_password",
            "Password now",
            error=errors.get("old_password", ""),
            type="password",
            required=True,
            autocomplete="current-password",
        ),
        Field(
            "new_password1",
            "New password",
            hint=" ".join(password_validators_help_texts()),
            error=errors.get("new_password1", ""),
            type="password",
            required=True,
            autocomplete="new-password",
        ),
        Field(
            "new_password2",
            "New password again",
            error=errors.get("new_password2", ""),
            type="password",
            required=True,
            autocomplete="new-password",
        ),
    ]
