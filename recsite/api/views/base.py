"""What every view of the API shares: key and scope, the method, the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.views import APIView

from recsite.api import auth, patience, rendering
from recsite.api.errors import ApiError, bad
from recsite.api.keys import Key

MAX_ID = 128
METHODS = ("get", "post", "put", "patch", "delete")


class ApiView(APIView):
    """A DRF view to the schema, a plain function to a request: DRF's negotiation, its own request object and its
    per-view initialisation cost more than a whole answer of ours.

    ``scopes``: the scope that each method needs; a method that is not there needs no key. Handlers take Django's
    request and the key (None where none is needed) and raise ``ApiError``. ``waits_for_postgres``: handlers run where
    they can be left behind if it does not answer (see ``patience``).
    """

    scopes: ClassVar[Mapping[str, str]] = {}
    secret_only: ClassVar[bool] = False
    waits_for_postgres: ClassVar[bool] = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method or ""
        handler = getattr(self, method.lower(), None) if method.lower() in METHODS else None
        if handler is None:
            allow = ", ".join(name.upper() for name in METHODS if hasattr(self, name))
            if method == "OPTIONS":
                return HttpResponse(status=204, headers={"Allow": allow})
            raise ApiError(405, "method_not_allowed", f"expected one of {allow}, received {method}", allow=allow)
        key = auth.require(request, self.scopes[method]) if method in self.scopes else None
        if self.secret_only and key is not None and not key.is_secret:
            raise ApiError(403, "secret_key_only", "expected a secret key; this key is publishable")
        if not self.waits_for_postgres:
            answer: HttpResponseBase = handler(request, key, **kwargs)
            return answer
        if method != "GET":
            request.body  # noqa: B018  # a slow caller is waited for here, where nobody takes it for a slow database
        return patience.run(lambda: handler(request, key, **kwargs))


def body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request; raises 415 and 400."""
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != rendering.JSON:
        raise ApiError(415, "unsupported_media_type", f"expected Content-Type application/json, received {kind!r}")
    value = rendering.loads(request.body)
    if not isinstance(value, dict):
        raise bad("not_an_object", "expected a JSON object")
    return value


def items(values: Mapping[str, Any], name: str, *, most: int) -> list[Any]:
    """The list under ``name``, of 1 to ``most`` entries and the only member."""
    if unknown := sorted(set(values) - {name}):
        raise bad("unknown_field", f"expected {name}, received {', '.join(unknown)[:200]}", field=unknown[0][:100])
    found = values.get(name)
    if not isinstance(found, list):
        raise bad("wrong_shape", f"expected {name} to be a list", field=name)
    if not 1 <= len(found) <= most:
        raise bad("wrong_count", f"expected 1 to {most} {name}, received {len(found)}", field=name)
    return found


def identity(value: object, *, field: str) -> str:
    """One of the shop's own ids; raises 400."""
    if not isinstance(value, str) or not value.strip():
        raise bad("wrong_type", f"{field}: expected an id as a string, received {str(value)[:60]!r}", field=field)
    value = value.strip()
    if len(value) > MAX_ID:
        raise bad("too_long", f"{field}: expected at most {MAX_ID} characters, received {len(value)}", field=field)
    if "\0" in value:
        raise bad("not_text", f"{field}: expected text, received a NUL character", field=field)
    return value


def owner_only(key: Key | None) -> Key:
    """The key of a view that always needs one."""
    assert key is not None
    return key
