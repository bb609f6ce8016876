"""What a network is trained to lower: by pair, by list, or as the textbook has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def binary(labels: Any, scores: Any, weights: Any) -> Any:
    """Cross-entropy of each pair; a graded gain is a soft label. labels, scores, weights [B, L] → scalar."""
    from keras import ops

    known = ops.cast(labels >= 0, scores.dtype) * weights
    target = ops.maximum(labels, 0)
    loss = ops.maximum(scores, 0) - scores * target + ops.log1p(ops.exp(-ops.abs(scores)))
    return ops.sum(loss * known) / ops.maximum(ops.sum(known), 1)


def softmax(labels: Any, scores: Any, weights: Any) -> Any:
    """Each positive against the list's negatives (each as often as its weight), other positives left out of
    the denominator; a list counts by the square root of its positives (by gain). labels, scores, weights
    [B, L] → scalar."""
    from keras import ops

    gain = ops.maximum(labels, 0)
    masked = ops.where(labels == 0, scores + ops.log(weights), -1e9)
    rest = ops.logsumexp(masked, axis=-1, keepdims=True)
    # −log(e^s / (e^s + Σ e^negatives)) = softplus(rest − s)
    gap = rest - scores
    loss = ops.maximum(gap, 0) + ops.log1p(ops.exp(-ops.abs(gap)))
    total = ops.sum(gain, axis=-1)
    per_list = ops.sum(loss * gain, axis=-1) / ops.maximum(ops.sqrt(total), 1e-3)
    return ops.sum(per_list) / ops.maximum(ops.sum(ops.sqrt(total)), 1e-3)


def squared(labels: Any, scores: Any, weights: Any) -> Any:
    """Mean squared error of the gain (the textbook's loss). labels, scores, weights [B, L] → scalar."""
    from keras import ops

    known = ops.cast(labels >= 0, scores.dtype) * weights
    return ops.sum(ops.square(scores - ops.maximum(labels, 0)) * known) / ops.maximum(ops.sum(known), 1)


LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {"binary": binary, "softmax": softmax, "squared": squared}
