"""``manage.py create_key``: a key for the API, printed once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recsite.api import keys
from recsite.api.models import ApiKey


class Command(BaseCommand):
    help = "Make a key for the shop's server (secret) or its pages (publishable). It is shown once and kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what it is for: people tell keys apart by it")
        parser.add_argument("--kind", choices=ApiKey.Kind.values, default="secret")
        parser.add_argument(
            "--scopes",
            nargs="+",
            metavar="SCOPE",
            help=f"of {', '.join(ApiKey.Scope.values)}; default: all but admin, for a publishable key what it may have",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kind = options["kind"]
        given = [scope for word in options["scopes"] or () for scope in word.split(",") if scope]
        try:
            made = keys.create(name=options["name"], kind=kind, scopes=given or _default(kind))
        except keys.KeyRefused as error:
            raise CommandError(f"{error.field}: {error}") from error
        self.stderr.write(f"{made.row} may {', '.join(made.row.scopes)}. This is the only time it is shown:")
        self.stdout.write(made.secret)


def _default(kind: str) -> list[str]:
    if kind == ApiKey.Kind.PUBLISHABLE:
        return sorted(keys.BROWSER_SCOPES)
    return [scope for scope in ApiKey.Scope.values if scope != ApiKey.Scope.ADMIN]
