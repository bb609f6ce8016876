"""What a serving process holds, so that an answer needs one round trip to Redis and no SQL.

The ranker with its vocabulary, the catalogue, placements and rules are immutable; ``State`` is swapped whole when a
version that rode in a request's round trip has moved. Small things (rules, placements, what changed in the
catalogue) are swapped before that very request is answered; large ones (a new generation, a new base) are loaded by a
thread beside, while the old state, whose lists are kept, goes on answering.

Where Redis is away, the newest state goes on; a process that starts then takes its state from files and Postgres. One
that starts while Postgres does not answer either waits for it no longer than ``pulse`` does, answers by what the files
say, and looks again until it has the rest.
"""

from recommender.state.held import Model, State
from recommender.state.loading import with_model
from recommender.state.process import current, forget, load_generation, sync

__all__ = ["Model", "State", "current", "forget", "load_generation", "sync", "with_model"]
