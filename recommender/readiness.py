"""Whether each strategy can work with the data that arrives, and in words what it lacks.

``share`` is always a share of what the strategy works for (shoppers, baskets, lines, days), so that half a bar means:
for every second one it has to fall back. The counts are of the newest 28 days of the log, simulated events left out,
as training leaves them out; what a shopper's whole history says comes from the stored profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from recommender.models import Placement, Switch

READY, WORKS = 0.75, 0.5
WINDOW = timedelta(days=28)
ENOUGH_EVENTS = 5  # of one shopper, before a personal list says more than best sellers
ENOUGH_PRODUCTS = 50  # sold in the window, before best sellers fill any list
#: Purchases alone show a trend once it is over the till, and hardly any of them are of what is new.
PURCHASES_ONLY = 0.7
VIEWERS = 0.25  # of those who did anything, before views count as arriving
VIEWING = ("view", "click", "cart", "favourite", "rate")  # what "recently viewed" lists


@dataclass(frozen=True)
class Readiness:
    """``share`` 0 … 1; ``words``: one sentence; ``causes``: what is missing, each with what would mend it."""

    share: float
    words: str
    causes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """``ready`` from 75 %, ``works, thin`` from 50 %, else ``not ready``."""
        return "ready" if self.share >= READY else "works, thin" if self.share >= WORKS else "not ready"


@dataclass(frozen=True)
class TypeFacts:
    """Events of one type in the window, the shoppers who did them, their baskets and those with several products.

    A basket is a session; where the shop sends none, a shopper's day.
    """

    events: int = 0
    shoppers: int = 0
    baskets: int = 0
    shared_baskets: int = 0


@dataclass(frozen=True)
class Facts:
    """All that readiness goes by; ``newest`` None: there is no event."""

    newest: datetime | None = None
    model: int | None = None  # the run that serves
    types: Mapping[str, TypeFacts] = field(default_factory=dict)
    shoppers: int = 0  # who did anything in the window
    days: int = 0  # of the window on which anything happened
    sold_products: int = 0
    lines: int = 0  # events with a product in the window
    joint_lines: int = 0  # of them: whose product two shoppers or more had
    profiles: int = 0
    known_profiles: int = 0  # with ENOUGH_EVENTS
    habits: int = 0  # with a product bought on three days or more

    @property
    def timed(self) -> bool:
        return self.newest is not None and self.newest.year > 1970

    @property
    def within(self) -> str:
        return f"in {WINDOW.days} days" if self.timed else "in the log"

    def of(self, *names: str) -> TypeFacts:
        """Several types as one; who did two of them counts for the larger."""
        found = [self.types[name] for name in names if name in self.types]
        return TypeFacts(
            sum(one.events for one in found),
            max((one.shoppers for one in found), default=0),
            sum(one.baskets for one in found),
            sum(one.shared_baskets for one in found),
        )


def of_strategies() -> dict[str, Readiness]:
    """Readiness by ``Placement.Strategy``: six queries, about a tenth of a second for 100,000 events in the window.

    Not for every look at a page: whoever shows it keeps it for a while (``recsite.dashboard.readiness``).
    """
    return judge(read_facts())


def judge(facts: Facts) -> dict[str, Readiness]:
    """Pure: what ``facts`` say of each strategy."""
    strategy = Placement.Strategy
    return {
        str(strategy.PERSONAL): _personal(facts),
        str(strategy.SIMILAR): _similar(facts),
        str(strategy.BOUGHT_TOGETHER): _bought_together(facts),
        str(strategy.BASKET): _bought_together(facts, name="Basket"),
        str(strategy.TRENDING): _trending(facts),
        str(strategy.BUY_AGAIN): _buy_again(facts),
        str(strategy.RECENTLY_VIEWED): _recently_viewed(facts),
        str(strategy.POPULAR): _popular(facts),
    }


NO_EVENTS = "No event has ever arrived: import a file, or let the shop post them."
NO_MODEL = "No model serves yet: until one is trained, best sellers stand in."
NO_SALES = "No purchase {within}: this strategy goes by what is bought."


def _personal(facts: Facts) -> Readiness:
    if (nothing := _without_model(facts, "Personal lists")) is not None:
        return nothing
    if not facts.profiles:
        return Readiness(0.0, "No shopper has a profile yet.", ("Profiles are built with the next training run.",))
    known, thin = facts.known_profiles, facts.profiles - facts.known_profiles
    words = f"{known:,} of {facts.profiles:,} shoppers have {ENOUGH_EVENTS} events or more."
    causes = (f"{thin:,} shoppers have fewer: they get what is popular in their place.",) if thin else ()
    return Readiness(known / facts.profiles, words, causes)


def _similar(facts: Facts) -> Readiness:
    if (nothing := _without_model(facts, "Similar products")) is not None:
        return nothing
    if not facts.lines:
        return Readiness(0.0, f"No event names a product {facts.within}.", ("Events need a product.",))
    share, lone = facts.joint_lines / facts.lines, facts.lines - facts.joint_lines
    words = f"{_percent(share)} of events {facts.within} are of products that two shoppers or more had."
    causes = (f"{lone:,} events are of products that one shopper alone had: nothing is like them yet.",) if lone else ()
    return Readiness(share, words, causes)


def _bought_together(facts: Facts, name: str = "Bought together") -> Readiness:
    if (nothing := _without_model(facts, name)) is not None:
        return nothing
    bought = facts.of("purchase")
    if not bought.baskets:
        return Readiness(0.0, f"{name} lacks purchases: 0 {facts.within}.", (NO_SALES.format(within=facts.within),))
    share = bought.shared_baskets / bought.baskets
    words = f"{_percent(share)} of {bought.baskets:,} baskets {facts.within} hold two products or more."
    causes = []
    if share < READY:
        causes.append("Baskets of one product say nothing of what goes with it.")
    if not facts.timed:
        causes.append("Events have no time, so that all a shopper ever bought counts as one basket.")
    return Readiness(share, words, tuple(causes))


def _trending(facts: Facts) -> Readiness:
    if facts.newest is None:
        return _nothing("Trending")
    if not facts.timed:
        cause = "Events have no time: what sells fast now cannot be told from what always did."
        return Readiness(0.0, "Trending lacks times: no event has one.", (cause,))
    share, words = facts.days / WINDOW.days, f"Events arrived on {facts.days} of the last {WINDOW.days} days."
    causes = []
    if facts.days < WINDOW.days * READY:
        causes.append(f"{WINDOW.days - facts.days} days without an event: a trend shows against its own past.")
    viewed = facts.of(*VIEWING)
    if viewed.shoppers < VIEWERS * facts.shoppers or not viewed.events:
        share = min(share, PURCHASES_ONLY)
        arrive = "hardly anything but purchases arrives" if viewed.events else "only purchases arrive"
        words = f"Needs views; {arrive} {facts.within}, so it reacts late."
        count = _n(viewed.events, "view or click", "views or clicks")
        causes.append(f"{count} {facts.within}: post them as they happen.")
    return Readiness(min(1.0, share), words, tuple(causes))


def _buy_again(facts: Facts) -> Readiness:
    if (nothing := _without_model(facts, "Buy again")) is not None:
        return nothing
    if not facts.of("purchase").events and not facts.habits:
        return Readiness(0.0, f"Buy again lacks purchases: 0 {facts.within}.", (NO_SALES.format(within=facts.within),))
    if not facts.profiles:
        return Readiness(0.0, "No shopper has a profile yet.", ("Profiles are built with the next training run.",))
    words = f"{facts.habits:,} of {facts.profiles:,} shoppers bought a product on three days or more."
    rest = facts.profiles - facts.habits
    causes = (f"{rest:,} shoppers bought nothing that often.",) if rest else ()
    return Readiness(facts.habits / facts.profiles, words, causes)


def _recently_viewed(facts: Facts) -> Readiness:
    if facts.newest is None:
        return _nothing("Recently viewed")
    viewed = facts.of(*VIEWING)
    if not viewed.events:
        cause = "Post a view event from each product page; clicks, carts, favourites and ratings count too."
        return Readiness(0.0, f"Recently viewed lacks views: 0 {facts.within}.", (cause,))
    share = min(1.0, viewed.shoppers / facts.shoppers) if facts.shoppers else 0.0
    words = f"{viewed.shoppers:,} of {facts.shoppers:,} shoppers viewed a product {facts.within}."
    rest = facts.shoppers - viewed.shoppers
    causes = (f"{rest:,} shoppers bought without a view: their pages do not report them.",) if rest > 0 else ()
    return Readiness(share, words, causes)


def _popular(facts: Facts) -> Readiness:
    if facts.newest is None:
        return _nothing("Best sellers")
    sold = facts.sold_products
    words = f"{sold:,} products were bought or liked {facts.within}."
    causes = (f"Below {ENOUGH_PRODUCTS} products lists end in ones that nobody chose lately.",)
    return Readiness(min(1.0, sold / ENOUGH_PRODUCTS), words, causes if sold < ENOUGH_PRODUCTS else ())


def _without_model(facts: Facts, name: str) -> Readiness | None:
    if facts.newest is None:
        return _nothing(name)
    return Readiness(0.0, NO_MODEL, ("Train a first model on the Models page.",)) if facts.model is None else None


def _nothing(name: str) -> Readiness:
    return Readiness(0.0, f"{name} lacks events: none has ever arrived.", (NO_EVENTS,))


def _n(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share in (0.0, 1.0) else 1}f}\u2009%"


# --- What the database says -----------------------------------------------------------------------------------------

NEWEST = "SELECT at FROM behavior_event WHERE source <> 'simulator' ORDER BY at DESC LIMIT 1"

# By shopper and basket first, so that nothing large is sorted. The row without a type is of all types together.
TYPES = """
WITH lately AS MATERIALIZED (
    SELECT type, shopper_id AS shopper, coalesce(nullif(session, ''), (at AT TIME ZONE 'UTC')::date::text) AS basket,
           min(product_id) AS first, max(product_id) AS last, count(*) AS events
    FROM behavior_event WHERE source <> 'simulator' AND at > %(start)s AND at <= %(end)s
    GROUP BY 1, 2, 3
)
SELECT type, sum(events)::bigint, count(DISTINCT shopper), count(*), count(*) FILTER (WHERE first <> last)
FROM lately GROUP BY ROLLUP (type)
"""

PRODUCTS = """
SELECT count(*) FILTER (WHERE liked), coalesce(sum(lines), 0)::bigint,
       coalesce(sum(lines) FILTER (WHERE joint), 0)::bigint
FROM (
    SELECT product_id, count(*) AS lines, min(shopper_id) <> max(shopper_id) AS joint, max(weight) > 0 AS liked
    FROM behavior_event JOIN behavior_eventtype ON name = type
    WHERE source <> 'simulator' AND product_id IS NOT NULL AND at > %(start)s AND at <= %(end)s
    GROUP BY product_id
) AS by_product
"""

DAYS = """
SELECT count(*) FROM generate_series(%(start)s, %(end)s - interval '1 day', interval '1 day') AS day(at)
WHERE EXISTS (
    SELECT FROM behavior_event AS event
    WHERE event.at > day.at AND event.at <= day.at + interval '1 day' AND source <> 'simulator'
)
"""

PROFILES = """
SELECT count(*), count(*) FILTER (WHERE events >= %s), count(*) FILTER (WHERE jsonb_array_length(data->'rhythms') > 0)
FROM behavior_shopperprofile
"""


def read_facts() -> Facts:
    """The facts as they are now. Queries: the newest event, what serves, types, products, days, profiles."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST)
        row = cursor.fetchone()
        if row is None:
            return Facts()
        window = {"start": row[0] - WINDOW, "end": row[0]}
        cursor.execute(TYPES, window)
        types = {name: TypeFacts(*figures) for name, *figures in cursor.fetchall()}
        cursor.execute(PRODUCTS, window)
        sold, lines, joint = cursor.fetchone()
        cursor.execute(DAYS, window)
        (days,) = cursor.fetchone()
        cursor.execute(PROFILES, [ENOUGH_EVENTS])
        profiles, known, habits = cursor.fetchone()
    return Facts(
        newest=row[0],
        model=Switch.objects.values_list("generation__run_id", flat=True).first(),
        shoppers=types.pop(None, TypeFacts()).shoppers,
        types=types,
        days=days,
        sold_products=sold,
        lines=lines,
        joint_lines=joint,
        profiles=profiles,
        known_profiles=known,
        habits=habits,
    )
