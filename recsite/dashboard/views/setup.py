from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from recsite.dashboard.pages import setup as page
from recsite.dashboard.shop import read_shop
from recsite.dashboard.views import fragments


def setup(request: HttpRequest) -> HttpResponse:
    """The progress of a first start, also before anyone can log in: it tells nothing about the shop.

    Once it is done a visitor is asked to log in like everywhere else.
    """
    shop, known = read_shop(), request.user.is_authenticated
    with timezone.override(shop.zone):
        found = page.build(shop, known=known)
        if found.finished and not known:
            return redirect("login")
        return fragments.answer(request, "setup", found)
