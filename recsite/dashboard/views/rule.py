from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from recommender.models import Rule, RuleVersion
from recommender.rulebook import Changed, NotAllowed, Refused
from recsite.dashboard import roles, rule_acts, rule_forms
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.pages import rule as page
from recsite.dashboard.pages import rule_entries, rule_trial
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell_done


@require_http_methods(["GET", "POST"])
@needs(roles.EDIT_RULES)
def rule_new(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """A new rule: the address may fill it in; posted, it is tried, saved or goes live (``do``)."""
    if request.method == "POST":
        return _posted(request, shop, None)
    form = rule_forms.blank(request.GET.dict())
    return _answer(
        request, page.build(form, rule_trial.read_trial(request.GET), shop, permissions=permissions_of(request))
    )


@sees
def rule(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """One rule with its history; posted like a new one."""
    row = get_object_or_404(Rule.objects.select_related("owner"), pk=pk)
    if request.method == "POST":
        return needs(roles.EDIT_RULES)(lambda request, shop: _posted(request, shop, row))(request)
    form = rule_entries.form_of(row, shop)
    trial = rule_trial.read_trial(request.GET)
    return _answer(request, page.build(form, trial, shop, rule=row, permissions=permissions_of(request)))


def _posted(request: HttpRequest, shop: Shop, row: Rule | None) -> HttpResponseBase:
    """``do``: save or live write; anything else shows what the entries would do, and writes nothing."""
    read = rule_entries.read(request.POST, shop)
    do = request.POST.get("do", "")
    if do not in ("save", "live") or fragments.htmx(request):
        return _again(request, shop, row, read)
    if read.errors:
        return _again(request, shop, row, read, tried=True)
    try:
        done = rule_acts.save(
            wording=read.wording,
            by=person_of(request),
            rule_id=row.pk if row else None,
            seen=read.form.seen,
            live=do == "live",
        )
    except Refused as refused:
        return _again(request, shop, row, read.with_errors(refused.errors), tried=True)
    except Changed as changed:
        return _again(request, shop, changed.rule, read.over(changed.rule, changed.by), status=409)
    tell_done(request, done)
    return redirect("rule", done.rule.pk) if done.rule else redirect("rules")


def _again(
    request: HttpRequest,
    shop: Shop,
    row: Rule | None,
    read: rule_entries.Read,
    *,
    tried: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The entries as they are, nothing lost; ``tried``: they were to be written, so errors answer 422."""
    made = page.build(
        read.form,
        rule_trial.read_trial(request.POST),
        shop,
        rule=row,
        read=read,
        tried=tried,
        permissions=permissions_of(request),
    )
    return _answer(request, made, status=422 if tried else status)


@require_POST
@needs(roles.EDIT_RULES)
def rule_do(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """``do``: live, pause, resume, end, or restore with ``version``."""
    get_object_or_404(Rule, pk=pk)
    do, version = request.POST.get("do", ""), request.POST.get("version", "")
    try:
        if do in rule_acts.STATES:
            tell_done(request, rule_acts.set_state(do=do, rule_id=pk, by=person_of(request)))
        elif do == "restore" and version.isdigit():
            tell_done(request, rule_acts.restore(rule_id=pk, version=int(version), by=person_of(request)))
        else:
            expected = f"{', '.join(rule_acts.STATES)} or restore with a version"
            return HttpResponse(f"do: expected {expected}; received {do!r}", status=400)
    except (NotAllowed, Refused, RuleVersion.DoesNotExist) as refused:
        messages.error(request, f"Nothing was changed: {refused}")
    return redirect("rules") if request.POST.get("back") == "list" else redirect("rule", pk)


@require_POST
@needs(roles.EDIT_RULES)
def rule_fix(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Solve a conflict on the list: change this rule as ``do`` and ``value`` say."""
    get_object_or_404(Rule, pk=pk)
    seen = request.POST.get("seen", "")
    try:
        tell_done(
            request,
            rule_acts.fix(
                rule_id=pk,
                seen=int(seen) if seen.isdigit() else 0,
                do=request.POST.get("do", ""),
                value=request.POST.get("value", ""),
                by=person_of(request),
            ),
        )
    except Changed as changed:
        messages.error(request, f"Nothing was changed: {_since(changed)}. Look again.")
    except ValueError as refused:
        messages.error(request, f"Nothing was changed: {refused}")
    return redirect("rules")


@require_POST
@needs(roles.EDIT_RULES)
def rule_move(request: HttpRequest, shop: Shop, pk: int, way: str) -> HttpResponseBase:
    """One place up or down within the rule's step; the list comes back with the row in focus."""
    get_object_or_404(Rule, pk=pk)
    tell_done(request, rule_acts.move(rule_id=pk, way=way, by=person_of(request)))
    return redirect(f"{reverse('rules')}?moved={pk}")


@require_POST
@needs(roles.EDIT_RULES)
def rule_undo(request: HttpRequest, shop: Shop, pk: int, version: int) -> HttpResponseBase:
    """Take back what made ``version``, unless something was done since."""
    get_object_or_404(Rule, pk=pk)
    try:
        tell_done(request, rule_acts.undo(rule_id=pk, version=version, by=person_of(request)))
    except Changed as changed:
        messages.error(request, f"Not undone: {_since(changed)}. Its history has every version.")
    except (NotAllowed, Refused) as refused:
        messages.error(request, f"Not undone: {refused}")
    return redirect("rule", pk)


@require_http_methods(["GET", "POST"])
@needs(roles.EDIT_RULES)
def rule_delete(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Ask, then delete a draft for good."""
    row = get_object_or_404(Rule, pk=pk)
    if request.method == "GET":
        return fragments.answer(request, "rule_delete", page.build_delete(row))
    try:
        tell_done(request, rule_acts.delete(rule_id=pk, by=person_of(request)))
    except NotAllowed as refused:
        messages.error(request, str(refused))
        return redirect("rule", pk)
    return redirect("rules")


def _answer(request: HttpRequest, made: page.RulePage, *, status: int = 200) -> HttpResponse:
    return fragments.answer(request, "rule", made, status=status)


def _since(changed: Changed) -> str:
    by = f"{changed.by} changed" if changed.by else "somebody changed"
    return f"{by} “{changed.rule.name}” meanwhile (version {changed.rule.version})"
