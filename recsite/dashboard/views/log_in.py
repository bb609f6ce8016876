"""In and out of the console, and the password: Django's views, noted in the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.helpers import get_client_ip_address, get_cool_off
from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone

from recsite.dashboard import audit, reauthentication
from recsite.dashboard.models import AuditEntry


class LogIn(auth.LoginView):
    """Name and password. Who is in stays in; who fails is counted by django-axes and noted."""

    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        with transaction.atomic():
            answer = super().form_valid(form)
            reauthentication.note_password(self.request)
            audit.note(by=form.get_user(), action="person.log_in", detail=address_of(self.request))
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        note_failure(self.request, form.data.get("username", ""))
        return super().form_invalid(form)


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
