"""Lists over HTTP: the most a second, and how long they take at half of that."""

from __future__ import annotations

from urllib.parse import quote

import orjson

from recommender import serve, state
from recsite.bench import load, server, traces
from recsite.bench.figures import Figure, percentile

FALLBACK_EVERY = 20  # a request that takes the fallback path comes after so many: it is exercised in normal life too
#: Nobody known, nothing chosen, nothing seen: what such a placement shows instead.
FALLBACKS = ("home", "similar", "basket", "buy-again", "recently-viewed")
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
        fallen, asked = _fallbacks(port, requests)
        fast = load.run(port, requests, seconds=part)
        calm = load.run(port, requests, seconds=part, rate=fast.accepted_rate / 2)
    return [
        Figure("lists, most a second", fast.accepted_rate, "lists/s", bare.rate, "bare DRF APIView"),
        Figure("answered by a fallback", fallen, "lists", float(asked), "one round of the requests"),
        Figure("candidates scored for one list", _candidates(), "products"),
        Figure("p50 at half of that", percentile(calm.seconds, 0.5), "ms"),
        Figure("p99 at half of that", percentile(calm.seconds, 0.99), "ms"),
        Figure("refused", fast.refused + calm.refused, "answers"),
    ]


def _requests(key: str) -> list[bytes]:
    """Lists of shoppers with a history, those of strangers spread among them."""
    paths = []
    for number, name in enumerate(traces.shoppers()):
        paths.append(f"/api/v1/recommendations?shopper={quote(name)}&n=10")
        if number % (FALLBACK_EVERY - 1) == 0:
            placement = FALLBACKS[number // FALLBACK_EVERY % len(FALLBACKS)]
            paths.append(f"/api/v1/recommendations?visitor={traces.NAME}{number}&placement={placement}")
    return [load.request("GET", path, key=key, headers=HEADER) for path in paths]


def _fallbacks(port: int, requests: list[bytes]) -> tuple[int, int]:
    """Of one round of ``requests``: how many were answered by a fallback, and how many in all."""
    connection = load.Connection(port)
    answers = [orjson.loads(connection.send(request)[1]) for request in requests]
    connection.close()
    return sum(answer.get("fallback") is not None for answer in answers), len(answers)


def _candidates() -> float:
    """Mean over some shoppers, asked in this process."""
    names = traces.shoppers(20)
    state.current()
    counts = [serve.recommend(serve.Request(shopper=name, record=False)).candidates for name in names]
    return sum(counts) / max(len(counts), 1)
