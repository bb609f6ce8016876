"""Keys of the shop's door: made, rotated and revoked here; every process knows the live ones by heart.

A key is 256 random bits and is kept only as its SHA-256, so the cache holds nothing worth stealing. The live
keys travel to the web processes as one packed value with a version (``store.put_shared``); a process that finds a
key it does not know asks Postgres, at most a few times a second.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recommender import store
from recsite.api import patience
from recsite.api.errors import ApiError
from recsite.api.models import ApiKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIXES = {ApiKey.Kind.SECRET: "sk_", ApiKey.Kind.PUBLISHABLE: "pk_"}
BROWSER_SCOPES = frozenset({ApiKey.Scope.EVENTS_WRITE, ApiKey.Scope.RECOMMENDATIONS_READ})
LIVE_AT_ONCE = 2  # keys of one name: the old one and its successor
MOST_ORIGINS = 20  # of one key
ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::[0-9]{1,5})?")
_IS_ORIGIN = "origin:"
LOOK_SECONDS = 1.0  # how long a revoked key may go on
RELOAD_SECONDS = 0.2  # unknown keys ask Postgres this often at most


class KeyRefused(ValueError):
    """A key that cannot be made as asked; ``field`` names what was wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class KeysUnknown(Exception):
    """Neither Redis nor Postgres answers and this process never saw the keys: nobody can be let in or turned away."""


@dataclass(frozen=True)
class NewKey:
    """A key just made: ``secret`` is shown once and kept nowhere."""

    row: ApiKey
    secret: str


@dataclass(frozen=True)
class Key:
    """A live key as requests are checked against it. ``expires_at``: seconds since 1970, None: never."""

    id: int
    kind: str
    scopes: frozenset[str]
    sha256: str
    expires_at: float | None = None
    origins: frozenset[str] = frozenset()  # of pages that may use it; none: any that CORS_ORIGINS lets in

    #: What DRF asks of whoever is logged in.
    is_authenticated: bool = field(default=True, repr=False)

    @property
    def is_secret(self) -> bool:
        return self.kind == ApiKey.Kind.SECRET

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def may_be_used_on(self, origin: str) -> bool:
        """Whether a page of ``origin`` may use the key; "" is no page, or one of the shop's own host."""
        return not origin or not self.origins or origin in self.origins


def digest(secret: str) -> str:
    """The form in which a key is kept: SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(
    *,
    name: str,
    kind: str,
    scopes: Sequence[str],
    origins: Sequence[str] = (),
    by: User | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key. Raises :class:`KeyRefused` for a scope that is unknown or not for browsers, an origin that is none or
    of a secret key, or a third live key."""
    name = name.strip()
    if not name or len(name) > 120:
        raise KeyRefused("name", "expected a name of 1 to 120 characters")
    if kind not in PREFIXES:
        raise KeyRefused("kind", f"expected secret or publishable, received {kind!r}")
    known = BROWSER_SCOPES if kind == ApiKey.Kind.PUBLISHABLE else frozenset(ApiKey.Scope)
    if not scopes or (unknown := sorted({str(scope) for scope in scopes} - {str(scope) for scope in known})):
        listed = ", ".join(sorted(str(scope) for scope in known))
        raise KeyRefused("scopes", f"expected scopes of {listed}; received {', '.join(unknown) if scopes else 'none'}")
    checked = _origins(origins, kind)
    secret = PREFIXES[ApiKey.Kind(kind)] + secrets.token_urlsafe(32)
    with transaction.atomic():
        if len(live().filter(name=name, kind=kind).select_for_update()) >= LIVE_AT_ONCE:
            raise KeyRefused("name", f"expected at most {LIVE_AT_ONCE} live keys named {name!r}: revoke one first")
        row = ApiKey.objects.create(
            name=name,
            kind=kind,
            prefix=secret[:7],
            sha256=digest(secret),
            scopes=[str(scope) for scope in dict.fromkeys(scopes)],
            origins=checked,
            created_by=by,
            expires_at=expires_at,
        )
        transaction.on_commit(publish)
    return NewKey(row, secret)


def _origins(origins: Sequence[str], kind: str) -> list[str]:
    if origins and kind != ApiKey.Kind.PUBLISHABLE:
        raise KeyRefused("origins", "expected no origins: a secret key has no business in a browser")
    if len(origins) > MOST_ORIGINS:
        raise KeyRefused("origins", f"expected at most {MOST_ORIGINS} origins; received {len(origins)}")
    wrong = next((origin for origin in origins if not ORIGIN.fullmatch(origin) or len(origin) > 255), None)
    if wrong is not None:
        raise KeyRefused(
            "origins", f"expected origins such as https://shop.example, without a path; received “{wrong}”"
        )
    return list(dict.fromkeys(origin.lower() for origin in origins))


def rotate(*, key: ApiKey, by: User | None = None, overlap: timedelta = timedelta(days=7)) -> NewKey:
    """A successor with the same name, scopes and origins; the old one goes on for ``overlap``, time to change over."""
    with transaction.atomic():
        made = create(name=key.name, kind=key.kind, scopes=key.scopes, origins=key.origins, by=by)
        end = timezone.now() + overlap
        ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=end), pk=key.pk).update(expires_at=end)
    return made


def revoke(*, key: ApiKey) -> None:
    """Turn the key away from now on, everywhere within ``LOOK_SECONDS``. Doing it twice keeps the first time."""
    with transaction.atomic():
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
        transaction.on_commit(publish)


def live() -> QuerySet[ApiKey]:
    """The rows of keys that let somebody in now."""
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def publish() -> tuple[Key, ...]:
    """Tell every process. Redis may be down: then they ask Postgres."""
    version = time.time_ns() // 1_000_000  # taken before reading: who reads later writes the higher one
    keys = _read()
    with suppress(store.StoreDown):
        store.put_shared("keys", _pack(keys), version)
    return keys


def _read() -> tuple[Key, ...]:
    return _from_rows(live())


def _from_rows(rows: Iterable[ApiKey]) -> tuple[Key, ...]:
    return tuple(
        Key(
            row.pk,
            row.kind,
            frozenset(row.scopes),
            row.sha256,
            row.expires_at.timestamp() if row.expires_at else None,
            frozenset(row.origins),
        )
        for row in rows
    )


def _pack(keys: Iterable[Key]) -> bytes:
    """Origins travel among the scopes, so that a process of the release before, which knows of none, reads this too."""
    return orjson.dumps(
        [
            [key.id, key.kind, sorted(key.scopes | {_IS_ORIGIN + it for it in key.origins}), key.sha256, key.expires_at]
            for key in keys
        ]
    )


def _unpack(body: bytes) -> tuple[Key, ...]:
    return tuple(_unpacked(*row) for row in orjson.loads(body))


def _unpacked(pk: int, kind: str, words: Sequence[str], sha256: str, end: float | None) -> Key:
    origins = frozenset(word.removeprefix(_IS_ORIGIN) for word in words if word.startswith(_IS_ORIGIN))
    scopes = frozenset(word for word in words if not word.startswith(_IS_ORIGIN))
    return Key(pk, kind, scopes, sha256, end, origins)


class KeyRing:
    """The live keys in this process's memory. One look a second at the version; a reader never waits for another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, Key] | None = None
        self._version = -1
        self._seen: int | None = None
        self._looked_at = -LOOK_SECONDS
        self._reloaded_at = -RELOAD_SECONDS

    def find(self, secret: str) -> Key | None:
        """The live key that ``secret`` is, None where it is none. Raises :class:`KeysUnknown`."""
        sha256 = digest(secret)
        self._look()
        key = self._held(sha256)
        if key is None:  # made a moment ago, perhaps
            redis_answers = self._from_redis()
            key = self._held(sha256)
            if key is None:
                self._reload(tell=redis_answers)  # by us, or by another request while we waited for it
                key = self._held(sha256)
        if self._keys is None:
            raise KeysUnknown
        return key if key is not None and (key.expires_at is None or key.expires_at > time.time()) else None

    def allows_origin(self, origin: str) -> bool:
        """Whether any live key names the page's origin: what a browser asks before it shows its key."""
        self._look()
        return any(origin in key.origins for key in (self._keys or {}).values())

    def note(self, versions: Mapping[str, int]) -> None:
        """What a request's round trip says: the keys are those we know, or the next request looks at once."""
        seen = versions.get("keys")
        if seen == self._version:
            self._looked_at = time.monotonic()
        elif seen != self._seen:  # once for each: a value that cannot be read would be asked for by every request
            self._seen, self._looked_at = seen, -LOOK_SECONDS

    def forget(self) -> None:
        """As a process that has just started."""
        self.__init__()  # type: ignore[misc]

    def _held(self, sha256: str) -> Key | None:
        # A dictionary of digests tells an attacker nothing by its timing; the last word compares in constant time.
        key = (self._keys or {}).get(sha256)
        return key if key is not None and hmac.compare_digest(key.sha256, sha256) else None

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS or not self._lock.acquire(blocking=self._keys is None):
            return
        try:
            if now - self._looked_at < LOOK_SECONDS:
                return
            self._looked_at = now
            self._from_redis()
        finally:
            self._lock.release()

    def _from_redis(self) -> bool:
        """Whether Redis answered, with no more patience than a list has: a request waits for it."""
        try:
            version = store.read(None, None).versions.get("keys")
            if version is not None and version != self._version:
                body = store.shared("keys", timeout=store.READ_TIMEOUT)
                if body is not None:
                    self._set(_unpack(body), version)
        except store.StoreDown:
            return False
        return True

    def _reload(self, *, tell: bool) -> None:
        """Ask Postgres for what Redis did not know, unless that was done a moment ago, and ``tell`` Redis."""
        with self._lock:
            now = time.monotonic()
            if now - self._reloaded_at < RELOAD_SECONDS:
                return
            self._reloaded_at = now
            try:
                self._set(patience.run(publish if tell else _read), self._version)
            except (DatabaseError, ApiError):
                return

    def _set(self, keys: Iterable[Key], version: int) -> None:
        self._keys = {key.sha256: key for key in keys}
        self._version = version


ring = KeyRing()
store.watch_versions(ring.note)
