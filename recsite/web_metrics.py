"""Lets several web processes count together: files that ``recsite.metrics`` adds up. Imports nothing that counts."""

from __future__ import annotations

import os
import re
from pathlib import Path

from recsite import local_services

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share() -> None:
    """Name the folder of this shop's counts, and drop the files of processes that are gone."""
    folder = Path(os.environ.setdefault(VARIABLE, str(local_services.data_dir() / "metrics")))
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        number = re.search(r"_(\d+)\.db$", file.name)
        if number and not Path(f"/proc/{number[1]}").exists():
            file.unlink(missing_ok=True)
