from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from recsite.dashboard import audit, reauthentication, roles
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.pages.settings import you as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.log_in import note_failure


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@sees
def you(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One's own password and appearance; sent back, the password is another one and this browser stays logged in."""
    form = PasswordChangeForm(person_of(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            audit.note(by=request.user, action="person.password")
        update_session_auth_hash(request, form.user)
        reauthentication.note_password(request)
        messages.success(request, "Your password is changed. Other browsers are logged out.")
        return redirect("settings-you")
    errors = {name: " ".join(map(str, told)) for name, told in form.errors.items()}
    found = page.build(person_of(request), permissions_of(request), errors=errors)
    return fragments.answer(request, "settings_you", found, status=422 if errors else 200)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@needs(roles.SEE, second_factor=False)  # setting the factor up asks for the password
def password_again(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Ask for the password before keys and people are changed; then back to ``next``."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    back = wanted if wanted and ours else "/settings/"
    error = ""
    if request.method == "POST":
        name = request.user.get_username()
        if authenticate(request, username=name, password=request.POST.get("password", "")) == request.user:
            reauthentication.note_password(request)
            return redirect(back)
        note_failure(request, name)
        error = "That is not your password."
    found = page.build_question(back, permissions_of(request), error=error)
    return fragments.answer(request, "settings_password_again", found, status=422 if error else 200)
