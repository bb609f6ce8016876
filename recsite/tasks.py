"""Celery's shells for what needs several apps: one call each, nothing long."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="recsite.tasks.count_feedback")
def count_feedback() -> None:
    """The days whose feedback has changed, by the shop's windows and calendar."""
    from recommender import feedback
    from recsite.dashboard.shop import read_shop

    shop = read_shop()
    feedback.refresh(windows=feedback.Windows(shop.click_window, shop.view_window), zone=shop.zone)
