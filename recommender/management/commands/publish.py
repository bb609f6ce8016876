"""``manage.py publish``: put the serving generation's stored lists into Redis again, without training."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import availability, generations, posted, publish, steering, store


class Command(BaseCommand):
    help = "Put the serving generation, the catalogue, rules and placements into Redis again."

    def handle(self, *args: Any, **options: Any) -> None:
        switch = publish.serving()
        if switch is None:
            raise CommandError("nothing serves: train first")
        try:
            shoppers = publish.republish(switch.generation)
            posted.refill_recent(switch.generation)
            steering.publish()
        except (generations.NotStored, store.StoreDown) as error:
            raise CommandError(str(error)) from error
        publish.move_pointer(switch)
        products = len(availability.publish_base())
        self.stdout.write(f"{switch.generation}: {shoppers:,} shoppers, {products:,} products.")
