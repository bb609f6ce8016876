"""A block index of arrivals: rows lie in the order they came, so a few kilobytes find what is new."""

from django.db import migrations

CREATE = """
-- feedback.refresh: which days did the events touch that arrived since the last look?
CREATE INDEX behavior_event_received ON behavior_event USING brin (received_at)
    WITH (pages_per_range = 32, autosummarize = on);
"""


class Migration(migrations.Migration):
    dependencies = [("behavior", "0003_event_types")]

    operations = [migrations.RunSQL(CREATE, "DROP INDEX behavior_event_received")]
