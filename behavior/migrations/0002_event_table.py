"""The event log, partitioned by month.

The default partition takes what has no month of its own yet; ``behavior.partitions`` makes months ahead of writes.
"""

from django.db import migrations

CREATE = """
CREATE TABLE behavior_event (
    event_id uuid NOT NULL,
    at timestamptz NOT NULL,
    type varchar(32) NOT NULL,
    shopper_id bigint NOT NULL,
    product_id bigint,
    quantity double precision,
    price double precision CHECK (price >= 0),
    value double precision,
    session varchar(128) NOT NULL DEFAULT '',
    placement varchar(64) NOT NULL DEFAULT '',
    recommendation_id varchar(40) NOT NULL DEFAULT '',
    position smallint CHECK (position >= 0),
    consent boolean,
    source varchar(16) NOT NULL DEFAULT 'api',
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (at, event_id)
) PARTITION BY RANGE (at);
CREATE TABLE behavior_event_default PARTITION OF behavior_event DEFAULT;
-- services.record_events: is this id stored already, under whatever time?
CREATE INDEX behavior_event_id ON behavior_event (event_id);
-- queries.timeline, profiles, store's refill: one shopper's events, newest first
CREATE INDEX behavior_event_shopper ON behavior_event (shopper_id, at DESC);
-- the product page: one product's events over time
CREATE INDEX behavior_event_product ON behavior_event (product_id, at DESC);
-- recommender.feedback: what joins to a served list
CREATE INDEX behavior_event_recommendation ON behavior_event (recommendation_id) WHERE recommendation_id <> '';
"""


class Migration(migrations.Migration):
    dependencies = [("behavior", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, "DROP TABLE behavior_event")]
