"""Who may open what: every console page needs a person, most controls a permission."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from recsite.dashboard import roles
from recsite.dashboard.shop import read_shop

View = Callable[..., HttpResponseBase]


def needs(*permissions: str) -> Callable[[View], View]:
    """Ask a visitor to log in; answer 403 to a person without all of ``permissions`` (see ``roles``).

    The view is called as ``view(request, shop, …)``, under the shop's time zone; it must render before it returns.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if not request.user.has_perms(permissions):
                raise PermissionDenied(f"needs {' and '.join(permissions)}")
            shop = read_shop()
            with timezone.override(shop.zone):  # every time on a page is the shop's
                return view(request, shop, *args, **kwargs)

        return guarded

    return decorate


#: The rule of every page that only shows something.
sees = needs(roles.SEE)
