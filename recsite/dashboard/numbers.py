"""Numbers and times as people read them: one way for each, used by pages, charts and the template filters.

A thin space stands before units (``5.42 %``), a true minus before negatives, an en dash in
ranges. ``None`` is written as "–"; that something was never seen is written as "no data", never as 0 %.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

THIN = "\u2009"
MINUS = "\u2212"
DASH = "\u2013"
NONE = DASH
TOO_FEW = 300  # shown fewer times than this, a rate is not worth judging
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "¥", "INR": "₹", "KRW": "₩", "BRL": "R$"}
NO_CENTS = {"JPY", "KRW"}

Number = int | float | Decimal


def count(value: Number | None) -> str:
    """``1437911`` → ``1,437,911``."""
    return NONE if value is None else _signed(f"{round(float(value)):,}")


def decimal(value: Number | None, digits: int = 1) -> str:
    """``3.94`` → ``3.9``."""
    return NONE if value is None else _signed(f"{value:,.{digits}f}")


def signed(value: Number | None, digits: int = 2) -> str:
    """``-0.09`` → ``−0.09``, ``0.34`` → ``+0.34``."""
    if value is None:
        return NONE
    text = decimal(value, digits)
    return text if text.startswith(MINUS) or not float(value) else f"+{text}"


def money(value: Number | None, currency: str = "USD", *, whole: bool = False) -> str:
    """Exact to the cent below 100, to the whole above (or always, with ``whole``): ``$2.99``, ``$1,307``."""
    if value is None:
        return NONE
    amount = float(value)
    digits = 0 if whole or currency in NO_CENTS or abs(amount) >= 100 or not amount else 2
    return _money(f"{abs(amount):,.{digits}f}", amount < 0, currency)


def price(value: Number | None, currency: str = "USD") -> str:
    """A price always shows its cents: ``$1.29``, ``$1,307.00``."""
    if value is None:
        return NONE
    return _money(f"{abs(value):,.{0 if currency in NO_CENTS else 2}f}", value < 0, currency)


def money_short(value: Number | None, currency: str = "USD") -> tuple[str, str]:
    """A large figure and its small unit: ``$14.4`` and ``k`` from 10,000, else exact and nothing."""
    if value is None:
        return NONE, ""
    amount = float(value)
    for start, divisor, unit in ((1e9, 1e9, "bn"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(amount) >= start:
            return _money(f"{abs(amount) / divisor:,.1f}", amount < 0, currency), unit
    return money(value, currency), ""


def percent(fraction: Number | None, digits: int = 2) -> str:
    """``0.0542`` → ``5.42 %``."""
    return NONE if fraction is None else f"{_signed(f'{float(fraction) * 100:,.{digits}f}')}{THIN}%"


def rate(part: Number, whole: Number, digits: int = 2) -> str:
    """A rate with its own kind of nothing: 0 of 0 is "no data", 0 of 212 is ``0.00 %``."""
    return percent(float(part) / float(whole), digits) if whole else "no data"


def wilson(part: int, whole: int, z: float = 1.96) -> tuple[float, float] | None:
    """The 95 % interval of a rate (Wilson 1927), as fractions; None where nothing was seen."""
    if not whole:
        return None
    share = part / whole
    centre = share + z * z / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def interval(part: int, whole: int, digits: int = 2) -> str:
    """``0`` of ``212`` → ``0.00 – 1.78`` (per cent)."""
    bounds = wilson(part, whole)
    return NONE if bounds is None else f"{bounds[0] * 100:.{digits}f} {DASH} {bounds[1] * 100:.{digits}f}"


def points(difference: Number) -> str:
    """A difference of two rates, in points: ``0.0051`` → ``0.51 pt``. The sign is the arrow's to tell."""
    value = abs(float(difference)) * 100
    return f"{value:.{1 if value >= 10 else 2}f}{THIN}pt"


def metric(value: Number | None, digits: int = 3) -> str:
    """A quality between 0 and 1, as the field writes it: ``0.172`` → ``.172``."""
    if value is None:
        return NONE
    text = f"{abs(value):.{digits}f}".removeprefix("0")
    return f"{MINUS}{text}" if value < 0 else text


def milliseconds(value: Number | None) -> str:
    """``38`` → ``38 ms``; from 10 s on in seconds."""
    if value is None:
        return NONE
    return duration(float(value) / 1000) if value >= 10_000 else f"{decimal(value, 0 if value >= 10 else 1)}{THIN}ms"


def duration(seconds: Number | timedelta | None) -> str:
    """``110`` → ``1 min 50 s``, ``5400`` → ``1 h 30 min``, ``1.2`` → ``1.2 s``."""
    if seconds is None:
        return NONE
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if value < 10:
        return f"{value:.1f}{THIN}s"
    whole = round(value)
    for size, unit, rest_size, rest_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // rest_size
            head = f"{whole // size}{THIN}{unit}"
            return f"{head} {rest}{THIN}{rest_unit}" if rest else head
    return f"{whole}{THIN}s"


def size(value: Number | None) -> str:
    """Bytes, in decimal units: ``2_100_000_000`` → ``2.1 GB``."""
    if value is None:
        return NONE
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= scale:
            return f"{float(value) / scale:,.1f}{THIN}{unit}"
    return f"{round(value)}{THIN}B"


def ago(then: datetime | None, now: datetime | None = None) -> str:
    """``2 s ago`` within the hour, else the date and time."""
    if then is None:
        return "never"
    passed = ((now or timezone.now()) - then).total_seconds()
    if 0 <= passed < 60:
        return f"{round(passed)}{THIN}s ago"
    if 0 <= passed < 3600:
        return f"{int(passed // 60)}{THIN}min ago"
    return moment(then, now)


def moment(then: datetime | None, now: datetime | None = None) -> str:
    """``31 Dec 06:04``; with the year where it is not this one."""
    if then is None:
        return "never"
    local = timezone.localtime(then)
    year = "" if local.year == timezone.localtime(now).year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def day(value: date | datetime | None, *, year: bool = True) -> str:
    """``31 Dec 2017``."""
    if value is None:
        return NONE
    local = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return f"{local.day} {local:%b}" + (f" {local.year}" if year else "")


def date_range(first: date, last: date, *, year: bool = True) -> str:
    """``4 – 31 Dec 2017``, ``6 Nov – 3 Dec 2017``, ``28 Dec 2017 – 3 Jan 2018``; both days included."""
    if first == last:
        return day(first, year=year)
    end = day(last, year=year)
    if first.year != last.year:
        return f"{day(first)} {DASH} {day(last)}"
    start = str(first.day) if first.month == last.month else day(first, year=False)
    return f"{start} {DASH} {end}"


def plural(number: int, one: str, many: str = "") -> str:
    """``1 product``, ``2 products``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def _signed(text: str) -> str:
    """A true minus; and −0 is 0."""
    if not text.startswith("-"):
        return text
    return MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]


def _money(digits: str, negative: bool, currency: str) -> str:
    symbol = SYMBOLS.get(currency)
    sign = MINUS if negative else ""
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits}{THIN}{currency}"
