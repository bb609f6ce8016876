"""The second factor of a log-in: a code of six digits from a phone (TOTP, RFC 6238, by django-otp), or a recovery code.

Between the right password and the right code nobody is logged in: the session only holds who may give the code, for
``HELD``. Recovery codes have 80 bits, so their plain SHA-256 can be stored; each is good once.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import b32encode
from binascii import unhexlify
from urllib.parse import quote

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from recsite.dashboard import audit, roles
from recsite.dashboard.models import RecoveryCode

CODES = 10
HELD = 5 * 60  # seconds
_HELD, _KEY, _GIVEN = "second_factor_for", "second_factor_key", "second_factor_given"  # in the session
_NAME = "phone"


class WrongCode(ValueError):
    """Not the code of this moment."""


class AlreadyOn(Exception):
    """The person has a second factor; it is taken off before another is set up."""


# --- What a person has ---


def is_on(person: User) -> bool:
    return TOTPDevice.objects.filter(user=person, confirmed=True).exists()


def device_of(person: User) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=person, confirmed=True).first()


def codes_left(person: User) -> int:
    return RecoveryCode.objects.filter(user=person, used_at=None).count()


# --- Setting it up ---


def key_for(request: HttpRequest) -> str:
    """The key (hex, 160 bits) that this session is setting up; nothing is stored of it before a code proves it."""
    if _KEY not in request.session:
        request.session[_KEY] = random_hex(20)
    return str(request.session[_KEY])


def spelled(key: str) -> str:
    """The key as phones take it, in groups of four: ``JBSW Y3DP …``."""
    text = b32encode(unhexlify(key)).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address_of(key: str, *, person: User, shop: str) -> str:
    """What the QR code says: ``otpauth://totp/Corner%20Shop:anna?secret=…`` (Google's Key URI Format)."""
    issuer, name = quote(shop.replace(":", " "), safe=""), quote(person.get_username(), safe="")
    return f"otpauth://totp/{issuer}:{name}?secret={spelled(key).replace(' ', '')}&issuer={issuer}"


def turn_on(request: HttpRequest, *, person: User, code: str) -> list[str]:
    """Store the session's key once ``code`` shows that the phone has it; returns the recovery codes, to be shown this
    once. Raises :class:`WrongCode` and :class:`AlreadyOn`."""
    key = key_for(request)
    totp = TOTP(unhexlify(key), drift=0)
    totp.time = time.time()
    if not totp.verify(_digits(code), tolerance=1):
        raise WrongCode(f"expected the six digits that the phone shows now; received “{code[:20]}”")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        if is_on(person):
            raise AlreadyOn
        # The code that was just given is not good for a log-in as well.
        TOTPDevice.objects.create(user=person, name=_NAME, key=key, confirmed=True, last_t=totp.t(), drift=totp.drift)
        made = _make_codes(person)
        audit.note(by=person, action="person.second_factor_on")
    del request.session[_KEY]
    note_given(request)
    return made


def new_codes(*, person: User) -> list[str]:
    """Ten new recovery codes in the place of all older ones."""
    with transaction.atomic():
        made = _make_codes(person)
        audit.note(by=person, action="person.second_factor_codes")
    return made


def turn_off(*, person: User, by: User | None) -> bool:
    """Forget key and recovery codes; False where there was none. By another than the person (None: from the command
    line) it is a reset."""
    with transaction.atomic():
        gone, _ = TOTPDevice.objects.filter(user=person).delete()
        RecoveryCode.objects.filter(user=person).delete()
        if gone:
            verb = "off" if by is not None and by.pk == person.pk else "reset"
            audit.note(by=by, action=f"person.second_factor_{verb}", subject=person.get_username())
    return gone > 0


def _make_codes(person: User) -> list[str]:
    RecoveryCode.objects.filter(user=person).delete()
    made = [b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    RecoveryCode.objects.bulk_create([RecoveryCode(user=person, sha256=_sealed(code)) for code in made])
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in made]


def _sealed(code: str) -> str:
    return hashlib.sha256("".join(code.split()).replace("-", "").lower().encode()).hexdigest()


# --- Logging in with it ---


def check(*, person: User, code: str) -> str:
    """``phone`` or ``recovery code``, whichever was given; raises :class:`WrongCode`. Each is good once. After wrong
    digits the phone's are not looked at for 1, 2, 4 … seconds."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=person, confirmed=True).first()
        if device is not None and _digits(code) >= 0 and device.verify_token(_digits(code)):
            return "phone"
    unused = RecoveryCode.objects.filter(user=person, used_at=None, sha256=_sealed(code))
    if unused.update(used_at=timezone.now()):
        return "recovery code"
    raise WrongCode("That is not the code of this moment.")


def _digits(code: str) -> int:
    """−1 for what is not six digits."""
    text = "".join(code.split())
    return int(text) if len(text) == 6 and text.isascii() and text.isdecimal() else -1


def hold(request: HttpRequest, person: User, *, back: str) -> None:
    """The right password was given; the code is to follow."""
    request.session.cycle_key()
    backend = str(getattr(person, "backend", "django.contrib.auth.backends.ModelBackend"))
    request.session[_HELD] = [person.pk, backend, int(time.time()), person.get_session_auth_hash(), back]


def held(request: HttpRequest) -> tuple[User, str] | None:
    """Who may give the code now (with ``backend`` set), and where they want to go; None where nobody may."""
    found = request.session.get(_HELD)
    if not found:
        return None
    pk, backend, at, password, back = found
    person = User.objects.filter(pk=pk, is_active=True).first()
    late = not 0 <= time.time() - at < HELD
    if person is None or late or person.get_session_auth_hash() != password:
        request.session.pop(_HELD, None)
        return None
    person.backend = backend  # as django.contrib.auth.login reads it
    return person, str(back)


def note_given(request: HttpRequest) -> None:
    """This session was opened, or confirmed, with the second factor."""
    request.session.pop(_HELD, None)
    request.session[_GIVEN] = True


def forget_given(request: HttpRequest) -> None:
    """The factor that opened this session is no more."""
    request.session.pop(_GIVEN, None)


# --- Demanding it ---


def is_owed(request: HttpRequest) -> bool:
    """Whether an admin is in without it, where the shop demands it."""
    return not request.session.get(_GIVEN) and request.user.has_perm(roles.EDIT_SHOP)
