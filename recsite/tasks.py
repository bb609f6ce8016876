"""Celery's shells for what needs several apps: one call each, nothing long."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="recsite.tasks.count_feedback")
def count_feedback() -> None:
    """The days whose feedback has changed, by the shop's windows and calendar."""
    from recommender import roll_up
    from recsite.dashboard.shop import read_shop

    shop = read_shop()
    roll_up.refresh(windows=roll_up.Windows(shop.click_window, shop.view_window), zone=shop.zone)


@shared_task(name="recsite.tasks.refresh_profiles")
def refresh_profiles() -> None:
    """The profiles of those who posted lately."""
    from behavior import services

    services.refresh_profiles()


@shared_task(name="recsite.tasks.start_import")
def start_import(import_id: int) -> None:
    """Start the child of an uploaded import; the row says how it goes on."""
    from recsite import uploads

    uploads.start_child(import_id)


@shared_task(name="recsite.tasks.mend_imports")
def mend_imports() -> None:
    """Imports that died, and uploads that no worker took."""
    from recsite import uploads

    uploads.mend()


@shared_task(name="recsite.tasks.go_on_erasing")
def go_on_erasing() -> None:
    """People whose data was not gone everywhere at once."""
    from recsite import erasure

    erasure.go_on()


@shared_task(name="recsite.tasks.start_due_training")
def start_due_training() -> None:
    """The run of the schedule's last slot, by the shop's clock."""
    from recommender import schedule
    from recsite.dashboard.shop import read_shop

    schedule.start_due(zone=str(read_shop().zone))
