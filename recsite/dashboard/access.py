"""Who may open what: every console page needs a person, most controls a permission."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from recsite.dashboard import audit, roles
from recsite.dashboard import second_factor as factor
from recsite.dashboard.shop import read_shop

View = Callable[..., HttpResponseBase]


def needs(*permissions: str, second_factor: bool = True) -> Callable[[View], View]:
    """Ask a visitor to log in; answer 403 to a person without all of ``permissions`` (see ``roles``). An admin who is
    in without a second factor, where the shop demands one, is sent to set it up; pages that are needed for that say
    ``second_factor=False``.

    The view is called as ``view(request, shop, …)``, under the shop's time zone; it must render before it returns.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            require(request, *permissions)
            shop = read_shop()
            if second_factor and shop.demands_second_factor and factor.is_owed(request):
                return redirect("settings-second-factor")
            with timezone.override(shop.zone):  # every time on a page is the shop's
                return _noted(request, view(request, shop, *args, **kwargs))

        return guarded

    return decorate


def require(request: HttpRequest, *permissions: str) -> None:
    """Raise ``PermissionDenied``, answered as 403, where the person lacks one of ``permissions``."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied(f"needs {' and '.join(permissions)}")


def permissions_of(request: HttpRequest) -> frozenset[str]:
    """Everything that the person may do, as pages ask for it."""
    return frozenset(request.user.get_all_permissions())


def person_of(request: HttpRequest) -> User:
    """Who asks; a person is known here, :func:`needs` saw to it."""
    assert isinstance(request.user, User)
    return request.user


def _noted(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """A file that leaves the console is noted, here for every page that has one."""
    disposition = answer.headers.get("Content-Disposition", "")
    if answer.status_code == 200 and disposition.startswith("attachment"):
        name = disposition.partition('filename="')[2].rstrip('"')
        audit.note(by=request.user, action="data.export", subject=name, detail={"address": request.get_full_path()})
    return answer


#: The rule of every page that only shows something.
sees = needs(roles.SEE)
