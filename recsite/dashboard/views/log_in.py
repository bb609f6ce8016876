"""In and out of the console, the second factor and the password: mostly Django's views, noted in the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_ip_address, get_cool_off, get_lockout_response
from django.contrib import messages
from django.contrib.auth import login as log_in
from django.contrib.auth import user_login_failed
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from recsite.dashboard import audit, numbers, reauthentication, second_factor
from recsite.dashboard.models import AuditEntry


class LogIn(auth.LoginView):
    """Name and password. Who is in stays in; who fails is counted by django-axes and noted."""

    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        person: User = form.get_user()
        if second_factor.is_on(person):
            second_factor.hold(self.request, person, back=self.get_success_url())
            return redirect("login-code")
        with transaction.atomic():
            answer = super().form_valid(form)
            reauthentication.note_password(self.request)
            audit.note(by=form.get_user(), action="person.log_in", detail=address_of(self.request))
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        note_failure(self.request, form.data.get("username", ""))
        return super().form_invalid(form)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def log_in_code(request: HttpRequest) -> HttpResponseBase:
    """The second step of a log-in, for who gave the right password. Wrong codes count as wrong passwords do."""
    found = second_factor.held(request)
    if found is None:
        return redirect("login")
    person, back = found
    name = person.get_username()
    if request.method != "POST":
        return render(request, "registration/second_factor.html", {"name": name})
    if not AxesProxyHandler.is_allowed(request, {"username": name}):
        return get_lockout_response(request, credentials={"username": name})
    try:
        used = second_factor.check(person=person, code=request.POST.get("code", ""))
    except second_factor.WrongCode as error:
        user_login_failed.send(__name__, credentials={"username": name}, request=request)
        note_failure(request, name)
        return render(request, "registration/second_factor.html", {"name": name, "error": str(error)}, status=422)
    with transaction.atomic():
        log_in(request, person)
        reauthentication.note_password(request)
        second_factor.note_given(request)
        audit.note(by=person, action="person.log_in", detail={**address_of(request), "second_factor": used})
    if used != "phone":
        left = numbers.plural(second_factor.codes_left(person), "recovery code")
        messages.warning(request, f"That recovery code is used up; {left} left. Settings, You: make new ones.")
    return redirect(back)


class LogOut(auth.LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            audit.note(by=request.user, action="person.log_out")
        return super().post(request, *args, **kwargs)


class SetPassword(auth.PasswordResetConfirmView):
    """The page behind a link that an admin handed over: good once."""

    template_name = "registration/set_password.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            answer = super().form_valid(form)
            audit.note(by=form.user, action="person.password_set", detail=address_of(self.request))
        messages.success(self.request, "Your password is set. Log in with it.")
        return answer


def note_failure(request: HttpRequest, typed: str) -> None:
    """A wrong password, or once for each lock-out that one.

    A name that nobody has is not repeated: people type their password there.
    """
    known = User.objects.filter(username=typed).values_list("username", flat=True).first()
    subject = known or "a name that nobody has"
    if not getattr(request, "axes_locked_out", False):
        audit.note(by=None, action="person.log_in_failed", subject=subject, detail=address_of(request))
        return
    since = timezone.now() - (get_cool_off(request) or timedelta())
    told = AuditEntry.objects.filter(
        action="person.lock_out", subject=subject, at__gt=since, detail=address_of(request)
    )
    if not told.exists():
        audit.note(by=None, action="person.lock_out", subject=subject, detail=address_of(request))


def address_of(request: HttpRequest) -> dict[str, str]:
    """Where a request came from, for the audit log."""
    return {"address": str(get_client_ip_address(request) or "")}
