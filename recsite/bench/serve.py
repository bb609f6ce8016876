"""Lists over HTTP: the most a second, and how long they take at half of that."""

from __future__ import annotations

from urllib.parse import quote

from recommender import serve, state
from recsite.bench import load, server, traces
from recsite.bench.figures import Figure, percentile

FALLBACK_SHARE = 20  # every 20th request is of somebody unknown: the fallback path is exercised too
HEADER = f"X-Recsite-Source: {traces.SOURCE}\r\n"


def run(seconds: float) -> list[Figure]:
    """Answers for shoppers with a history by a model that serves, beside a constant of bare DRF."""
    part = max(2.0, seconds / 4)
    with server.running(server.REFERENCE) as port:
        load.run(port, [load.request("GET", "/constant")], seconds=1)
        bare = load.run(port, [load.request("GET", "/constant")], seconds=part)
    with traces.caller() as key, server.running() as port:
        requests = _requests(key)
        load.run(port, requests, seconds=3)
        fast = load.run(port, requests, seconds=part)
        calm = load.run(port, requests, seconds=part, rate=fast.rate / 2)
    return [
        Figure("lists, most a second", fast.rate, "lists/s", bare.rate, "bare DRF APIView"),
        Figure("candidates scored for one list", _candidates(), "products"),
        Figure("p50 at half of that", percentile(calm.seconds, 0.5), "ms"),
        Figure("p99 at half of that", percentile(calm.seconds, 0.99), "ms"),
        Figure("refused", fast.refused + calm.refused, "answers"),
    ]


def _requests(key: str) -> list[bytes]:
    names = traces.shoppers()
    paths = [f"/api/v1/recommendations?shopper={quote(name)}&n=10" for name in names]
    every = max(1, len(paths) // FALLBACK_SHARE)
    paths += [f"/api/v1/recommendations?visitor={traces.NAME}{number}" for number in range(every)]
    return [load.request("GET", path, key=key, headers=HEADER) for path in paths]


def _candidates() -> float:
    """Mean over some shoppers, asked in this process."""
    names = traces.shoppers(20)
    state.current()
    counts = [serve.recommend(serve.Request(shopper=name, record=False)).candidates for name in names]
    return sum(counts) / max(len(counts), 1)
