"""One template part serves the page and its refresh."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def answer(request: HttpRequest, name: str, page: object, *, status: int = 200) -> HttpResponse:
    """The page ``dashboard/<name>.html`` with ``page``; asked for by htmx, its ``dashboard/_<name>.html`` alone."""
    part = "_" if getattr(request, "htmx", False) and not request.htmx.boosted else ""  # type: ignore[attr-defined]
    response = render(request, f"dashboard/{part}{name}.html", {"page": page}, status=status)
    response["Vary"] = "HX-Request"  # or a browser's Back shows the part as if it were the page
    return response
