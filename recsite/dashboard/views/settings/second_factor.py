from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import user_login_failed
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from recsite.dashboard import roles
from recsite.dashboard import second_factor as factor
from recsite.dashboard.access import needs, permissions_of, person_of
from recsite.dashboard.pages.settings import people as people_page
from recsite.dashboard.pages.settings import second_factor as page
from recsite.dashboard.reauthentication import asks_password
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments

#: Of pages that one needs to set the factor up.
sees_without = needs(roles.SEE, second_factor=False)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@sees_without
def second_factor(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Set it up, confirm it in this browser, or see it; a code sent back answers with the recovery codes, this once."""
    if factor.is_on(person_of(request)):
        return _confirm(request, shop) if _to_confirm(request, shop) else _show(request)
    if request.method != "POST":
        return _set_up(request, shop)
    try:
        codes = factor.turn_on(request, person=person_of(request), code=request.POST.get("code", ""))
    except factor.WrongCode as error:
        return _set_up(request, shop, error=str(error))
    except factor.AlreadyOn:
        return redirect("settings-second-factor")
    return fragments.answer(request, "settings_once", page.build_codes(codes, permissions_of(request)))


def _set_up(request: HttpRequest, shop: Shop, error: str = "") -> HttpResponse:
    key = factor.key_for(request)
    found = page.build_setup(person_of(request), shop, permissions_of(request), key=key, error=error)
    return fragments.answer(request, "settings_second_factor", found, status=422 if error else 200)


def _to_confirm(request: HttpRequest, shop: Shop) -> bool:
    return shop.demands_second_factor and factor.is_owed(request)


def _confirm(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    error = ""
    if request.method == "POST":
        try:
            factor.check(person=person_of(request), code=request.POST.get("code", ""))
        except factor.WrongCode as wrong:
            user_login_failed.send(
                __name__, credentials={"username": person_of(request).get_username()}, request=request
            )
            error = str(wrong)
        else:
            factor.note_given(request)
            return redirect("overview")
    found = page.build_confirm(shop, permissions_of(request), error=error)
    return fragments.answer(request, "settings_second_factor", found, status=422 if error else 200)


def _show(request: HttpRequest) -> HttpResponse:
    return fragments.answer(
        request, "settings_second_factor", page.build_on(person_of(request), permissions_of(request))
    )


@never_cache
@require_POST
@asks_password
@needs(roles.SEE)
def new_codes(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Ten new recovery codes, shown this once; the older ones open nothing any more."""
    if not factor.is_on(person_of(request)):
        return redirect("settings-second-factor")
    made = page.build_codes(factor.new_codes(person=person_of(request)), permissions_of(request))
    return fragments.answer(request, "settings_once", made)


@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@needs(roles.SEE)
def turn_off(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Ask (GET), then forget key and codes (POST)."""
    if request.method != "POST":
        return render(request, "dashboard/confirm.html", {"dialog": page.off_dialog(shop, permissions_of(request))})
    if factor.turn_off(person=person_of(request), by=person_of(request)):
        factor.forget_given(request)
        messages.success(request, "Your second factor is off: the password alone logs you in.")
    return redirect("settings-you")


@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@needs(roles.EDIT_PEOPLE)
def reset_second_factor(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Ask (GET), then forget another's key and codes (POST, with their name typed)."""
    person = get_object_or_404(User, pk=pk)
    name = person.get_username()
    if person.pk == person_of(request).pk:
        messages.error(request, "This is you: turn your own off under Settings, You.")
        return redirect("settings-person", pk)
    if request.method != "POST":
        return render(request, "dashboard/confirm.html", {"dialog": people_page.reset_dialog(person)})
    if request.POST.get("confirm", "").strip() != name:
        messages.error(request, f"Nothing was reset: expected {name} to be typed.")
    elif factor.turn_off(person=person, by=person_of(request)):
        messages.success(request, f"The second factor of {name} is reset: their password alone logs them in.")
    else:
        messages.info(request, f"{name} has no second factor.")
    return redirect("settings-person", pk)
