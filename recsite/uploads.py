"""Files that a person hands in: stored under DATA_DIR, imported by a child of a worker, mended when it was killed.

A row waits as ``queued`` until a worker takes it; the child is ``manage.py import_child``. The file stays until it is
stored, so that what failed or was refused can be tried again; after ``KEPT`` it goes, whatever became of it.
"""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.text import get_valid_filename
from kombu.exceptions import OperationalError as BrokerError

from catalog.models import Import
from recommender import processes, services
from recsite.dashboard import audit

log = logging.getLogger(__name__)

FOLDER = "uploads"
SUFFIXES = (".csv", ".csv.gz", ".parquet")
KEPT = timedelta(days=30)
RESEND_AFTER = timedelta(seconds=30)
SOURCE = "import"
Status = Import.Status


class UploadError(ValueError):
    """The file cannot be taken; the message says what was expected."""


class CannotRetry(Exception):
    """The import runs, is stored, or its file is gone."""


def request_import(*, kind: str, file: UploadedFile, by: User, allow_rejects: bool = False) -> Import:
    """Keep the file and queue its import; a worker takes it after commit. Raises :class:`UploadError`."""
    name = _check(kind, file)
    with transaction.atomic():
        row = Import.objects.create(
            kind=kind,
            status=Status.QUEUED,
            file_name=name,
            bytes_total=file.size or 0,
            allow_rejects=allow_rejects,
            requested_by=by,
            source=SOURCE,
        )
        row.upload = f"{FOLDER}/{row.pk}/{name}"
        row.save(update_fields=["upload"])
        _keep(file, path_of(row))
        audit.note(
            by=by,
            action="import.upload",
            subject=f"import {row.pk}",
            detail={"kind": kind, "file": name, "bytes": row.bytes_total, "allow_rejects": allow_rejects},
        )
        transaction.on_commit(lambda: send(row.pk))
    return row


def retry_import(*, row: Import, by: User, allow_rejects: bool = False) -> Import:
    """Queue an upload that failed or was refused once more. Raises :class:`CannotRetry`."""
    if not row.upload or not path_of(row).is_file():
        raise CannotRetry("the file is not there any more: hand it in again")
    with transaction.atomic():
        waiting = Import.objects.filter(pk=row.pk, status__in=(Status.FAILED, Status.REFUSED))
        queued = waiting.update(
            status=Status.QUEUED, allow_rejects=allow_rejects, error="", progress=0.0, process_id=None, finished_at=None
        )
        if not queued:
            raise CannotRetry("only an import that failed or was refused can be tried again")
        audit.note(by=by, action="import.retry", subject=f"import {row.pk}", detail={"allow_rejects": allow_rejects})
        transaction.on_commit(lambda: send(row.pk))
    row.refresh_from_db()
    return row


def path_of(row: Import) -> Path:
    """Where the uploaded file of ``row`` lies."""
    return Path(settings.DATA_DIR) / row.upload


def rejects_of(row: Import) -> Path | None:
    """The file of refused lines, None where there is none or a later import of the same file wrote over it."""
    path = Path(row.rejects_file)
    if not row.rejects_file or not path.name.endswith(".rejects.csv") or path.is_symlink() or not path.is_file():
        return None
    over = Import.objects.filter(rejects_file=row.rejects_file, pk__gt=row.pk).exists()
    return None if over else path


def send(import_id: int) -> bool:
    """Hand the import to a worker; whether the broker took it (``mend`` sends it again otherwise)."""
    from recsite.tasks import start_import

    try:
        start_import.apply_async((import_id,), queue="default", retry=False)
    except (BrokerError, OSError) as error:
        log.warning("import %s was not sent: %s", import_id, error)
        return False
    return True


def start_child(import_id: int) -> bool:
    """Claim the queued import and start its child; False where somebody else has claimed it."""
    claimed = Import.objects.filter(pk=import_id, status=Status.QUEUED).update(
        status=Status.RUNNING, host=processes.HOST, process_id=None, updated_at=timezone.now()
    )
    if not claimed:
        return False
    folder = path_of(Import.objects.get(pk=import_id)).parent
    child = processes.start("import_child", str(import_id), log=folder / "log.txt")
    Import.objects.filter(pk=import_id, status=Status.RUNNING, process_id=None).update(process_id=child.pid)
    return True


def run(import_id: int) -> str:
    """The child's whole work: import the file of the row; what becomes of it is in the row. Returns its status."""
    # Here, not above: the web process, which only queues, need not load Arrow.
    from behavior.imports import import_events, import_shoppers
    from catalog.import_run import ImportRefusedError
    from catalog.imports import import_products
    from catalog.tabular import TableError

    importers = {"products": import_products, "shoppers": import_shoppers, "events": import_events}
    row = Import.objects.get(pk=import_id)
    path = path_of(row)
    try:
        importers[row.kind](path, allow_rejects=row.allow_rejects, source=row.source, row=row)
    except (TableError, ImportRefusedError) as error:
        log.info("import %s: %s", import_id, error)  # the row says so too
    row.refresh_from_db()
    if row.status == Status.STORED:
        path.unlink(missing_ok=True)
        services.note_products()
    return row.status


def mend() -> None:
    """Find imports that died, send again what no worker took, and remove files that are kept long enough."""
    from catalog import import_row

    import_row.give_up_dead()
    late = timezone.now() - RESEND_AFTER
    for import_id in Import.objects.filter(status=Status.QUEUED, updated_at__lt=late).values_list("pk", flat=True):
        send(import_id)
    _remove_old()


def _check(kind: str, file: UploadedFile) -> str:
    """The name under which the file is kept."""
    if kind not in Import.Kind.values:
        raise UploadError(f"expected one of {', '.join(Import.Kind.values)}; received {kind!r}")
    name = get_valid_filename(Path(file.name or "").name)[-120:] if file.name else ""
    if not name.lower().endswith(SUFFIXES):
        raise UploadError(f"expected a file whose name ends in {', '.join(SUFFIXES)}; received {file.name!r}")
    if not file.size:
        raise UploadError(f"expected a header line and rows; {name} is empty")
    return name


def _keep(file: UploadedFile, path: Path) -> None:
    """Beside and then renamed, so that a child never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    with aside.open("wb") as out:
        for chunk in file.chunks(1024 * 1024):
            out.write(chunk)
    aside.rename(path)


def _remove_old() -> None:
    old = Import.objects.filter(finished_at__lt=timezone.now() - KEPT).exclude(upload="")
    for row in old:
        shutil.rmtree(path_of(row).parent, ignore_errors=True)
        Import.objects.filter(pk=row.pk).update(upload="", rejects_file="")
