"""One template part serves the page and its refresh."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails


def htmx(request: HttpRequest) -> HtmxDetails:
    """What htmx says of the request, as the middleware put it there; false where a browser asks for the whole page."""
    return request.htmx  # type: ignore[attr-defined]


def answer(request: HttpRequest, name: str, page: object, *, status: int = 200) -> HttpResponse:
    """The page ``dashboard/<name>.html`` with ``page``; asked for by htmx, its ``dashboard/_<name>.html`` alone."""
    asked = htmx(request)
    part = "_" if asked and not asked.boosted else ""
    response = render(request, f"dashboard/{part}{name}.html", {"page": page}, status=status)
    response["Vary"] = "HX-Request"  # or a browser's Back shows the part as if it were the page
    return response
