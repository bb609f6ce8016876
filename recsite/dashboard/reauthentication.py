"""The password once more: what makes keys and people must not be open to whoever finds a browser left alone.

A log-in counts as well, so nobody is asked twice within the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

View = Callable[..., HttpResponseBase]
SECONDS = 15 * 60
_AT = "password_given_at"  # in the session: seconds since 1970


def note_password(request: HttpRequest) -> None:
    """The person has just given the right password."""
    request.session[_AT] = int(time.time())


def is_recent(request: HttpRequest) -> bool:
    """Whether that was within ``SECONDS``."""
    return 0 <= time.time() - request.session.get(_AT, 0) < SECONDS


def asks_password(view: View) -> View:
    """Send who gave no password lately to the page that asks for it, and then back: to the page that was asked for, or
    for a form to the page that it was on."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if is_recent(request) or not request.user.is_authenticated:  # who has not logged in is asked by the view
            return view(request, *args, **kwargs)
        back = request.get_full_path() if request.method in ("GET", "HEAD") else request.headers.get("Referer", "")
        return redirect(f"{reverse('settings-password-again')}?{urlencode({'next': back})}")

    return guarded
