from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from catalog.models import Import
from recsite import dead_letters, uploads
from recsite.dashboard import csv_answers, numbers, roles
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.components import Component
from recsite.dashboard.pages import data as page
from recsite.dashboard.pages import data_imports, data_missing, data_stream
from recsite.dashboard.pages import import_ as import_page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments

MIB = 1024 * 1024


@sees
def data(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Data health; ``?check=again`` counts anew, ``?format=csv`` is the table of missing values."""
    params = request.GET.dict()
    if params.get("check") == "again":
        page.check_again(shop)
        return redirect("data")
    if params.get("format") == "csv":
        return csv_answers.answer("missing-values", data_missing.CSV_HEADER, data_missing.csv_rows(shop))
    return fragments.answer(request, "data", page.build(params, shop, permissions=permissions_of(request)))


@sees
def stream(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The newest posted events alone; asked for every two seconds."""
    return _part(request, data_stream.stream(request.GET.dict(), shop))


@sees
def import_list(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The list of imports alone; asked for while one of them runs."""
    return _part(request, data_imports.import_list(request.GET.dict()))


@sees
def import_(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """One import."""
    row = get_object_or_404(Import.objects.select_related("requested_by"), pk=pk)
    return fragments.answer(request, "import", import_page.build(row, permissions=permissions_of(request)))


@sees
def import_rejects(request: HttpRequest, shop: Shop, pk: int) -> FileResponse:
    """The file of refused lines. Its path comes from the import's row, nothing of the address goes into it."""
    path = uploads.rejects_of(get_object_or_404(Import, pk=pk))
    if path is None:
        raise Http404("no file of rejects, or a later import of the same file wrote over it")
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="text/csv; charset=utf-8")


class CappedUpload(TemporaryFileUploadHandler):
    """A file of at most UPLOAD_MAX_MIB, kept on disk while it comes; of a larger one nothing is kept."""

    received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.UPLOAD_MAX_MIB * MIB:
            self.request.too_large = True  # type: ignore[union-attr]
            raise StopUpload(connection_reset=False)
        super().receive_data_chunk(raw_data, start)


@csrf_exempt  # the upload's handler must be set before anything reads the form; _upload asks for the token
@needs(roles.IMPORT)
@require_POST
def upload(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Keep a file and queue its import."""
    request.upload_handlers = [CappedUpload(request)]
    return _upload(request, shop)


@csrf_protect
def _upload(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    kind, file = request.POST.get("kind", ""), request.FILES.get("file")
    try:
        row = uploads.request_import(
            kind=kind,
            file=_given(request, file),
            by=person_of(request),
            allow_rejects=request.POST.get("allow_rejects") == "on",
        )
    except uploads.UploadError as error:
        found = page.build({"kind": kind}, shop, permissions=permissions_of(request), error=_sentence(error))
        return fragments.answer(request, "data", found, status=400)
    return redirect("import", row.pk)


def _given(request: HttpRequest, file: Any) -> UploadedFile:
    if getattr(request, "too_large", False):
        raise uploads.UploadError(f"expected a file of at most {settings.UPLOAD_MAX_MIB:,} MiB; received a larger one")
    if not isinstance(file, UploadedFile):
        raise uploads.UploadError("expected a file; received none")
    return file


@needs(roles.IMPORT)
@require_POST
def retry(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseRedirect:
    """Queue an upload that failed or was refused once more."""
    row = get_object_or_404(Import, pk=pk)
    try:
        uploads.retry_import(row=row, by=person_of(request), allow_rejects=request.POST.get("allow_rejects") == "on")
    except uploads.CannotRetry as error:
        messages.error(request, _sentence(error))
    return redirect("import", pk)


@needs(roles.IMPORT)
@require_POST
def replay(request: HttpRequest, shop: Shop) -> HttpResponseRedirect:
    """Try the waiting events of one reason again."""
    code, field = request.POST.get("code", ""), request.POST.get("field", "")
    done = dead_letters.replay(code=code, field=field, by=person_of(request))
    stored, still = numbers.plural(done.stored, "event"), numbers.count(done.still)
    messages.success(request, f"{stored} stored, {still} refused again." if done.still else f"{stored} stored.")
    return redirect("data")


@sees
def rejects(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The waiting events of one reason (or all) as CSV."""
    rows = dead_letters.csv_rows(code=request.GET.get("code", ""), field=request.GET.get("field", ""))
    return csv_answers.answer("rejected-events", dead_letters.CSV_HEADER, rows)


def _part(request: HttpRequest, component: Component) -> HttpResponse:
    return render(request, component.template, {"c": component})


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."
