"""Learning curves: training beside later days, and in a sentence whether a network learned by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.engine import architectures
from recommender.models import TrainingRun
from recsite.dashboard import numbers
from recsite.dashboard.charts import Chart, Curve, Value, curves_chart

#: By how much the loss on later days must have risen from its lowest before one speaks of over-fitting.
RISEN = 0.02
LABEL_ROOM = 116  # pixels behind the last epoch for what stands at a curve's end
_LOSSES = {"binary": "Loss by pair", "softmax": "Loss by list", "squared": "Squared error"}
_TONES = ("", "c2", "c3", "c4")


@dataclass(frozen=True)
class Net:
    """One network's curves, a value for each epoch."""

    name: str
    loss: Sequence[Value]
    later_loss: Sequence[Value]
    later_ndcg: Sequence[Value]

    @property
    def title(self) -> str:
        return _LOSSES.get(self.name, self.name.replace("_", " ").capitalize())

    @property
    def epochs(self) -> int:
        return len(self.loss)


@dataclass(frozen=True)
class Learned:
    """A chart and what it says about over-fitting ("" while it is drawn)."""

    title: str
    chart: Chart
    sentence: str = ""


def nets_of(run: TrainingRun) -> list[Net]:
    """The run's networks: as they were kept, else cut out of the curve that grows while it trains."""
    kept = run.curves.get("nets") if run.curves else None
    if kept:
        return [_net(name, values) for name, values in kept.items()]
    return _growing(run)


def _net(name: str, values: Mapping[str, Any]) -> Net:
    return Net(name, values.get("loss", ()), values.get("validation_loss", ()), values.get("validation_ndcg", ()))


def _growing(run: TrainingRun) -> list[Net]:
    """While a run trains its epochs are counted through all networks, each of ``config.epochs`` at most."""
    curves = run.curves or {}
    each = max(int((run.config or {}).get("epochs") or 0), 1)
    parts: dict[int, list[int]] = {}
    for place, epoch in enumerate(curves.get("epoch", ())):
        parts.setdefault((int(epoch) - 1) // each, []).append(place)
    losses = _losses(run.architecture)
    nets = []
    for number, places in parts.items():
        picked = {name: [curves[name][place] for place in places] for name in curves if name != "nets"}
        nets.append(_net(losses[number] if number < len(losses) else f"network {number + 1}", picked))
    return nets


def _losses(architecture: str) -> tuple[str, ...]:
    """What each of its networks is trained on, in order."""
    if architecture not in architectures.NETWORKS:
        return ()
    return tuple(getattr(architectures.architecture(architecture), "LOSSES", ("binary", "softmax")))


def charts_of(nets: Sequence[Net], *, epochs: int, id: str = "curves", finished: bool = True) -> list[Learned]:
    """A chart of losses for each network, and one of NDCG@10 for all of them."""
    made = [
        Learned(
            net.title,
            curves_chart(
                id=f"{id}-{place}",
                what=net.title,
                curves=_known(Curve("later days", net.later_loss), Curve("training", net.loss, "grey")),
                epochs=max(epochs, net.epochs),
                label_room=LABEL_ROOM,
            ),
            fitting(net) if finished else "",
        )
        for place, net in enumerate(nets)
    ]
    ranked = [
        Curve(net.title.lower() if len(nets) > 1 else "later days", net.later_ndcg, tone)
        for net, tone in zip(nets, _TONES, strict=False)
        if _some(net.later_ndcg)
    ]
    if ranked:
        what = "NDCG@10 on later days"
        chart = curves_chart(
            id=f"{id}-ndcg",
            what=what,
            curves=ranked,
            epochs=max(epochs, *(net.epochs for net in nets)),
            label_room=LABEL_ROOM,
        )
        made.append(Learned(what, chart, "Among each shopper's candidates." if finished else ""))
    return made


def _known(*curves: Curve) -> list[Curve]:
    return [curve for curve in curves if _some(curve.values)]


def _some(values: Sequence[Value]) -> bool:
    return any(value is not None for value in values)


def fitting(net: Net) -> str:
    """Over-fitting in a sentence: the training loss falls on while the loss on later days has turned."""
    pairs = [(loss, later) for loss, later in zip(net.loss, net.later_loss, strict=False)]
    later = [(value, epoch) for epoch, (_, value) in enumerate(pairs, 1) if value is not None]
    if len(later) < 2:
        return "Too few epochs were measured on later days to speak of over-fitting."
    lowest, epoch = min(later)
    last, end = later[-1]
    then, now = pairs[epoch - 1][0], pairs[end - 1][0]
    shown, ended = numbers.decimal(lowest, 3), numbers.decimal(last, 3)
    if lowest > 0 and last / lowest - 1 > RISEN and then is not None and now is not None and now < then:
        fell = f"{numbers.decimal(then, 3)} to {numbers.decimal(now, 3)}"
        return (
            f"Over-fitting from epoch {epoch} on: training fell from {fell} while later days rose from {shown} to "
            f"{ended}. The weights of the best epoch on held-out shoppers were kept."
        )
    if epoch == end:
        return f"No over-fitting: later days were still improving in the last epoch ({shown})."
    return f"No over-fitting: later days were best in epoch {epoch} ({shown}) and ended at {ended}."
