"""What a run was made of: its data, what it cost, its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recommender.engine.config import Config
from recommender.models import TrainingRun
from recsite.dashboard import numbers, runs
from recsite.dashboard.comparison import setting_text, words_of
from recsite.dashboard.components import Fact, Facts
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.tables import Cell, Column, Row, Table


def facts(run: TrainingRun, generation: int | None, serving: Serving | None) -> Facts:
    """``generation``: the number of its stored lists, None where none are."""
    window = run.data_window or {}
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    lists = f"generation {generation}" if generation else "not stored"
    if serving and serving.run == run.pk:
        lists += f", serving since {numbers.moment(serving.since)}"
    return Facts(
        [
            Fact("Data", _span(window)),
            Fact("Holds", _amounts(window)),
            Fact("Left out", _cleaned(window.get("cleaning") or {})),
            Fact("Data digest", str(window.get("digest") or "")[:16]),
            Fact("Asked for", numbers.moment(run.created_at), runs.asked_by(run.trigger, runs.person_of(run))),
            Fact("Took", numbers.duration(took) if took else "", f"attempt {run.attempts}" if run.attempts > 1 else ""),
            Fact("Device", run.device, f"{numbers.count(run.rows_per_second)} rows/s" if run.rows_per_second else ""),
            Fact(
                "Cost",
                f"{numbers.count(run.cpu_seconds)} CPU seconds" if run.cpu_seconds is not None else "",
                _memory(run),
            ),
            Fact("Seed", str(run.seed)),
            *([Fact("Began with", str(start))] if (start := (run.metrics or {}).get("start")) else []),
            Fact("Code version", run.code_version),
            Fact("Artifact", run.artifact_sha256[:16], run.artifact),
            Fact("Lists", lists),
        ]
    )


def settings(run: TrainingRun) -> Table:
    """Every setting; what differs from the default is strong."""
    usual = Config().to_dict()
    rows = [
        Row(
            [
                Cell(words_of(key), tone="" if value == usual.get(key) else "strong"),
                Cell(setting_text(value), tone="" if value == usual.get(key) else "strong"),
                Cell(setting_text(usual.get(key)), tone="muted"),
            ]
        )
        for key, value in sorted((run.config or {}).items())
        if key not in ("architecture", "seed")
    ]
    columns = [Column("Setting"), Column("This run", numeric=True), Column("Usual", numeric=True, wide=True)]
    return Table("Settings of the run", columns, rows, empty="No settings were kept.")


def _span(window: Mapping[str, Any]) -> str:
    first, last = str(window.get("first") or "")[:10], str(window.get("last") or "")[:10]
    return f"{first} {numbers.DASH} {last}" if first and last else ""


def _amounts(window: Mapping[str, Any]) -> str:
    parts = [
        numbers.plural(int(window[key]), key[:-1])
        for key in ("events", "shoppers", "products")
        if isinstance(window.get(key), int)
    ]
    return ", ".join(parts)


def _cleaned(cleaning: Mapping[str, Any]) -> str:
    """What cleaning left out or mended, by its own names."""
    found = [(key, value) for key, value in cleaning.items() if key != "read" and isinstance(value, int) and value]
    if not cleaning:
        return ""
    return ", ".join(f"{key.replace('_', ' ')} {numbers.count(value)}" for key, value in found) or "nothing"


def _memory(run: TrainingRun) -> str:
    return f"{numbers.size(run.peak_memory_bytes)} of memory at most" if run.peak_memory_bytes else ""
