"""Who asks: the key in ``Authorization: Bearer``, and whether it may do this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from recsite.api import keys, limits, sight
from recsite.api.errors import ApiError, unavailable
from recsite.api.keys import Key

if TYPE_CHECKING:  # DRF's views import this module
    from rest_framework.views import APIView

LONGEST = 200  # characters of a header that may be a key


def authenticate(request: HttpRequest) -> Key:
    """The key of a request, one token taken from its bucket. Raises 401, 429, or 503 where nobody knows the keys."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise ApiError(401, "not_authenticated", "expected a header Authorization: Bearer <key>")
    try:
        key = keys.ring.find(secret) if len(secret) <= LONGEST else None
    except keys.KeysUnknown:
        raise unavailable("Keys cannot be checked just now. Send it again.") from None
    if key is None:
        raise ApiError(401, "unknown_key", "this key is unknown, expired or revoked")
    if not key.may_be_used_on(origin := request.META.get("HTTP_ORIGIN", "")):
        raise ApiError(403, "wrong_origin", f"this key is not for pages of {origin[:100]}")
    sight.note_key(key.id)
    _take_token(key, request.method or "")
    request.api_key = key  # type: ignore[attr-defined]  # the gate reads it for CORS and the log
    return key


def _take_token(key: Key, method: str) -> None:
    def refuse(wait: float) -> None:
        rate = limits.rate_of(key.kind)
        raise ApiError(429, "too_many_requests", f"expected at most {rate:g} requests a second", retry=wait)

    # What is asked with another method may have been done by the time that Redis is asked.
    if wait := limits.tokens.take(key.id, key.kind, refuse=refuse if method == "GET" else None):
        refuse(wait)


def require(request: HttpRequest, scope: str) -> Key:
    """:func:`authenticate`, and the key has ``scope`` (else 403)."""
    key = authenticate(request)
    if not key.may(scope):
        raise ApiError(403, "missing_scope", f"expected a key with the scope {scope}")
    return key


class KeyAuthentication(BaseAuthentication):
    """:func:`authenticate` for DRF's views."""

    def authenticate(self, request: Request) -> tuple[Any, Key]:
        key = authenticate(request._request)
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """A view names its scope in ``scope``: one for all methods, or one by method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        wanted = getattr(view, "scope", None)
        scope = wanted.get(request.method) if isinstance(wanted, dict) else wanted
        if scope is not None and not (isinstance(request.auth, Key) and request.auth.may(scope)):
            raise ApiError(403, "missing_scope", f"expected a key with the scope {scope}")
        return True
