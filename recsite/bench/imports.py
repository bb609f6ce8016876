"""An events file on its way into Postgres, beside COPY of the same lines into a bare table."""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.utils import timezone

from behavior.imports import import_events
from recsite.bench import traces
from recsite.bench.figures import Figure

LINES_A_SECOND = 20_000  # asked for, so that the run is bounded


def run(seconds: float) -> list[Figure]:
    lines = int(seconds * LINES_A_SECOND)
    traces.remove()
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "events.csv"
            _write(file, lines)
            started = time.perf_counter()
            import_events(file, source=traces.SOURCE)
            imported = lines / (time.perf_counter() - started)
            copied = _copy(file, lines)
    finally:
        traces.remove()
    return [
        Figure("lines", lines, "lines"),
        Figure("import_events", imported, "lines/s", copied, "COPY alone, no check, no index"),
    ]


def _write(file: Path, lines: int) -> None:
    products, now = traces.products(500), timezone.now()
    with file.open("w") as out:
        out.write("shopper_id,product_id,type,at,quantity,price\n")
        for n in range(lines):
            at = (now - timedelta(seconds=n)).isoformat(timespec="seconds")
            out.write(f"{traces.NAME}{n % 2000},{products[n % len(products)]},purchase,{at},1,{n % 90 + 1}.50\n")


def _copy(file: Path, lines: int) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE bench_copy (shopper text, product text, type text, at timestamptz,"
            " quantity float8, price float8)"
        )
        started = time.perf_counter()
        with cursor.copy("COPY bench_copy FROM STDIN WITH (FORMAT csv, HEADER)") as copy, file.open("rb") as source:
            while block := source.read(1 << 20):
                copy.write(block)
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_copy")
    return lines / seconds
