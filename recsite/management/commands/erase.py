"""``manage.py erase``: everything about one person, with the receipt."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recsite import erasure


class Command(BaseCommand):
    help = "Erase everything about a shopper (with the visitors that they were) or a visitor; prints the receipt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--shopper", metavar="ID")
        who.add_argument("--visitor", metavar="ID")
        parser.add_argument("--receipts", action="store_true", help="erase nothing: show the receipts of before")

    def handle(self, *args: Any, shopper: str | None, visitor: str | None, receipts: bool, **options: Any) -> None:
        kind, external_id = ("shopper", shopper) if shopper is not None else ("visitor", visitor or "")
        if receipts:
            found = [erasure.receipt_of(row) for row in erasure.receipts_of(kind, external_id)]
            self.stdout.write(json.dumps(found, indent=1))
            return
        made = erasure.erase(kind=kind, external_id=external_id, by=None, via="manage.py")
        if not erasure.receipts_of(kind, external_id):
            raise CommandError(f"nothing is known of a {kind} {external_id!r}")
        self.stdout.write(json.dumps(erasure.receipt_of(made), indent=1))
