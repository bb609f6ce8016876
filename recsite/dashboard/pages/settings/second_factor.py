"""One's own second factor: set up, confirmed in this browser, or on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from recsite.dashboard import numbers, roles, second_factor
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Dialog, Fact, Facts, Field, Notice, PageHeader, Tabs
from recsite.dashboard.graphics import QrCode
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.pages.settings.once import OncePage
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class SecondFactorPage:
    """``qr`` and ``key`` while it is set up, ``code`` also where this browser is to confirm it; ``facts`` once it is
    on. ``notice``: why one was sent here."""

    header: PageHeader
    tabs: Tabs
    notice: Notice | None
    qr: QrCode | None = None
    key: str = ""
    code: Field | None = None
    facts: Facts | None = None
    actions: Sequence[Action] = ()


def build_setup(
    person: User, shop: Shop, permissions: Collection[str], *, key: str, error: str = ""
) -> SecondFactorPage:
    """``key``: in hex; ``error``: what was wrong with the code that was typed."""
    head = frame("settings-you", "A code from your phone, besides the password.", permissions, title="Second factor")
    return SecondFactorPage(
        head.header,
        head.tabs,
        _demanded(shop, permissions),
        qr=QrCode(second_factor.address_of(key, person=person, shop=shop.name), "QR code with the key for your phone"),
        key=second_factor.spelled(key),
        code=_code(error),
    )


def build_confirm(shop: Shop, permissions: Collection[str], *, error: str = "") -> SecondFactorPage:
    """For a browser that was logged in before the factor was set up."""
    head = frame("settings-you", "This browser was in before it was set up.", permissions, title="Second factor")
    return SecondFactorPage(head.header, head.tabs, _demanded(shop, permissions), code=_code(error))


def build_on(person: User, permissions: Collection[str]) -> SecondFactorPage:
    head = frame("settings-you", "A code from your phone, besides the password.", permissions, title="Second factor")
    device, left = second_factor.device_of(person), second_factor.codes_left(person)
    notice = None
    if left < 3:
        notice = Notice(f"{numbers.plural(left, 'recovery code')} left.", "Make new ones before you need them.", "warn")
    since = device.created_at if device else None
    last = device.last_used_at if device else None
    return SecondFactorPage(
        head.header,
        head.tabs,
        notice,
        facts=Facts(
            [
                Fact("State", "on"),
                Fact("Set up", numbers.moment(since)),
                Fact("Last used", numbers.ago(last) if last else "not yet"),
                Fact("Recovery codes", f"{left} of {second_factor.CODES} left"),
            ]
        ),
        actions=[
            Action("Make new recovery codes", page("settings-second-factor-codes"), post=True),
            Action("Turn it off…", page("settings-second-factor-off"), "danger"),
        ],
    )


def build_codes(codes: Sequence[str], permissions: Collection[str]) -> OncePage:
    """The recovery codes, this once."""
    head = frame("settings-you", "A code from your phone, besides the password.", permissions, title="Second factor")
    return OncePage(
        head.header,
        head.tabs,
        Notice(
            "It is on. Keep these codes.",
            "Each opens a log-in once, without the phone. They are not shown again.",
            "warn",
        ),
        label="Recovery codes",
        secret="\n".join(codes),
        after=[Action("I have them", page("settings-second-factor"), "primary")],
    )


def off_dialog(shop: Shop, permissions: Collection[str]) -> Dialog:
    """What goes and what stays."""
    again = (
        " The shop demands one of admins: you set up another on your next click." if _owes(shop, permissions) else ""
    )
    return Dialog(
        id="second-factor-off",
        title="Turn your second factor off?",
        text=f"The key and the recovery codes are forgotten at once. Your password alone logs you in.{again}",
        action=page("settings-second-factor-off"),
        confirm="Turn it off",
        cancel_href=page("settings-second-factor"),
    )


def _owes(shop: Shop, permissions: Collection[str]) -> bool:
    return shop.demands_second_factor and roles.EDIT_SHOP in permissions


def _demanded(shop: Shop, permissions: Collection[str]) -> Notice | None:
    if not _owes(shop, permissions):
        return None
    return Notice("This shop asks admins for a second factor.", "All else opens once it is here.", "info")


def _code(error: str) -> Field:
    return Field(
        "code",
        "The six digits that the phone shows",
        error=error,
        required=True,
        autocomplete="one-time-code",
        limits={"maxlength": "40", "spellcheck": "false"},
    )
