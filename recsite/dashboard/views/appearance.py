"""Colour scheme and single keys: two cookies, so that the server renders what a person chose."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from recsite.dashboard.navigation import THEMES

YEAR = 365 * 24 * 3600


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Keep ``theme`` (light, dark, system) and ``keys`` (on, off), then go back to the page one came from."""
    response = HttpResponseRedirect(_back(request))
    chosen = {"theme": THEMES, "keys": ("on", "off")}
    for name, allowed in chosen.items():
        if (value := request.POST.get(name)) in allowed:
            response.set_cookie(name, value, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure())
    return response


def _back(request: HttpRequest) -> str:
    """The page before, where it is one of this site."""
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return came_from if came_from and ours else "/"
