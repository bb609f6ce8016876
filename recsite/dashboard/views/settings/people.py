from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recsite.dashboard import people as services
from recsite.dashboard import roles
from recsite.dashboard.access import needs, permissions_of, person_of
from recsite.dashboard.pages.settings import people as page
from recsite.dashboard.people import PersonRefused
from recsite.dashboard.reauthentication import asks_password
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell


@needs(roles.EDIT_PEOPLE)
def people(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Everybody with a log-in."""
    found = page.build(request.GET.dict(), permissions_of(request), me=person_of(request))
    return fragments.answer(request, "settings_people", found)


@needs(roles.EDIT_PEOPLE)
def person(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """One person, with what can be done with them."""
    found = page.build_one(_get(pk), permissions_of(request), me=person_of(request))
    return fragments.answer(request, "settings_person", found)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@needs(roles.EDIT_PEOPLE)
def invite(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The form of an invitation; sent back, the answer shows the link, this once."""
    if request.method != "POST":
        return fragments.answer(request, "settings_invite", page.build_invite(permissions_of(request)))
    username, role = request.POST.get("username", ""), request.POST.get("role", "")
    try:
        made = services.invite(username=username, role=role, by=person_of(request))
    except PersonRefused as error:
        errors = {error.field: str(error)}
        refused = page.build_invite(permissions_of(request), username=username, role=role, errors=errors)
        return fragments.answer(request, "settings_invite", refused, status=422)
    return _show_link(request, made)


@never_cache
@require_POST
@asks_password
@needs(roles.EDIT_PEOPLE)
def password_link(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Another link, for who lost the first one or their password."""
    return _show_link(request, _get(pk))


@require_POST
@asks_password
@needs(roles.EDIT_PEOPLE)
def change_role(request: HttpRequest, shop: Shop, pk: int, role: str) -> HttpResponse:
    """Give a person the other role."""
    found = _get(pk)
    before = roles.role_of(found)
    try:
        services.change_role(person=found, role=role, by=person_of(request))
    except PersonRefused as error:
        messages.error(request, str(error))
    else:
        undo = reverse("settings-person-role", args=[pk, before]) if before else ""
        tell(request, f"{found.get_username()} has the role {role} from now on.", undo)
    return redirect("settings-person", pk)


@require_POST
@asks_password
@needs(roles.EDIT_PEOPLE)
def change_access(request: HttpRequest, shop: Shop, pk: int, state: str) -> HttpResponse:
    """Let a person go (``away``) or in again (``active``)."""
    found, change = _get(pk), services.reactivate if state == "active" else services.deactivate
    try:
        change(person=found, by=person_of(request))
    except PersonRefused as error:
        messages.error(request, str(error))
        return redirect("settings-person", pk)
    words = "can log in again" if state == "active" else "is logged out and cannot log in"
    back = reverse("settings-person-access", args=[pk, "away" if state == "active" else "active"])
    tell(request, f"{found.get_username()} {words}.", back)
    return redirect("settings-person", pk)


def _show_link(request: HttpRequest, found: User) -> HttpResponse:
    link = request.build_absolute_uri(services.password_path(person=found, by=person_of(request)))
    return fragments.answer(request, "settings_once", page.build_link(found, permissions_of(request), link=link))


def _get(pk: int) -> User:
    return get_object_or_404(User.objects.prefetch_related("groups"), pk=pk)
