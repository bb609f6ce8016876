"""``manage.py demo``: a shop to look at, with a year of a real grocer's data."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand

from recsite import demo, first_start, shop_front, supervisor
from recsite.first_start import StepFailed, Terminal
from recsite.supervisor import Program, Supervisor


class Command(BaseCommand):
    help = "Run the demo shop: import, train and publish the first time, then serve with simulated visitors."

    def handle(self, **_: object) -> None:
        terminal = Terminal()
        with shop_front.front(terminal) as shop:
            shop_front.migrate()
            first_start.declare(demo.steps(shop))
            access = demo.grant_access()
            url = shop_front.open_doors(shop, terminal)
            file = demo.write_access(access, url)
            if access.is_new:
                _show(access, terminal)
            terminal.say(f"Log in as merchandiser or admin: names, passwords and keys are in {file}")
            try:
                first_start.run(demo.steps(shop), terminal)
            except StepFailed as error:
                self._stay_with(error, terminal)
            else:
                _simulate(shop)
                terminal.say(f"Ready: [bold]{url}[/bold] Ctrl-C closes the shop.")
            shop_front.serve(shop)

    def _stay_with(self, error: StepFailed, terminal: Terminal) -> None:
        """On a terminal the pages stay open, for they say what stopped; a script gets its exit code."""
        terminal.say(f"The first start stopped: {error}")
        terminal.say("What was done stays. Start the same command again to go on from here.")
        if not terminal.console.is_terminal:
            raise SystemExit(1)


def _show(access: demo.Access, terminal: Terminal) -> None:
    for name, password in access.users.items():
        terminal.say(f"  {name:14} {password}")
    for kind, key in access.keys.items():
        terminal.say(f"  {kind + ' key':14} {key}")


def _simulate(shop: Supervisor) -> None:
    if (settings.DATA_DIR / "completejourney" / "held_back.parquet").exists():
        shop.start(Program("simulator", [*supervisor.MANAGE, "simulate_shop"], niceness=10))
