"""The one shape of an error: ``{"error": {"code", "message", "field"?}}``."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from recsite.api import rendering
from recsite.api.limits import retry_after

log = structlog.get_logger(__name__)


class ApiError(exceptions.APIException):
    """A foreseen refusal. ``retry`` seconds become ``Retry-After``, ``allow`` methods ``Allow``."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        retry: float | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message, code)
        self.status_code = status
        self.code, self.message, self.field, self.retry, self.allow = code, message, field, retry, allow

    def to_dict(self) -> dict[str, Any]:
        error = {"code": self.code, "message": self.message}
        return {"error": error | ({"field": self.field} if self.field else {})}

    @property
    def headers(self) -> dict[str, str]:
        headers = {"WWW-Authenticate": "Bearer"} if self.status_code == 401 else {}
        if self.retry is not None:
            headers["Retry-After"] = retry_after(self.retry)
        if self.allow is not None:
            headers["Allow"] = self.allow
        return headers


def bad(code: str, message: str, *, field: str | None = None) -> ApiError:
    """400."""
    return ApiError(400, code, message, field=field)


def not_found(what: str, *, field: str | None = None) -> ApiError:
    """404."""
    return ApiError(404, "not_found", what, field=field)


def unavailable(what: str) -> ApiError:
    """503: try again."""
    return ApiError(503, "unavailable", what, retry=1)


def response(error: ApiError) -> HttpResponse:
    """The error outside of DRF."""
    return rendering.json_response(error.to_dict(), status=error.status_code, headers=error.headers)


def of(exception: BaseException) -> ApiError | None:
    """The refusal that an exception means; None: a bug."""
    if isinstance(exception, ApiError):
        return exception
    if isinstance(exception, Http404):
        return not_found("There is nothing at this address.")
    if isinstance(exception, PermissionDenied):
        return ApiError(403, "forbidden", "This key may not do that.")
    if isinstance(exception, exceptions.APIException):
        codes = exception.get_codes()
        code = codes if isinstance(codes, str) else "invalid"
        return ApiError(exception.status_code, code, str(exception.detail))
    if isinstance(exception, OperationalError | InterfaceError) or _read_only(exception):
        return unavailable("The database does not answer just now. Nothing was stored; send it again.")
    return None


def _read_only(exception: BaseException) -> bool:
    """Postgres lets nobody write (a standby, a full disk): as good as down for a writer."""
    state = getattr(exception.__cause__, "sqlstate", None) or ""
    return isinstance(exception, DatabaseError) and state in ("25006", "53100", "53200", "57P03")


def handle(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; what is no foreseen refusal goes on to ``ApiGate`` and ends as a 500."""
    error = of(exception)
    if error is None:
        return None
    return Response(error.to_dict(), status=error.status_code, headers=error.headers)
