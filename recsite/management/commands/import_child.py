"""The process of one uploaded import; started by a worker, not by people."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Import one uploaded file (started by a worker, not by people)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("import_id", type=int)

    def handle(self, *args: Any, import_id: int, **options: Any) -> None:
        os.nice(5)  # answers come first
        from recsite import uploads

        self.stdout.write(f"import {import_id}: {uploads.run(import_id)}")
