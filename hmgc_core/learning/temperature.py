"""One number that makes stated certainties honest: a temperature over the leaves, fitted on the validation images.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, with the likelihood of a label at any node in place
of a leaf's. It touches what people are shown beside an answer; the answers, and `log_probs` for hedging, stay.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hmgc_core.losses import leaf_log_marginals, marginal_loss
from hmgc_core.taxonomy import Taxonomy

LOWEST, HIGHEST = 0.05, 20.0
GOLDEN = (math.sqrt(5) - 1) / 2
TOLERANCE = 1e-3  # of log T


def tempered(log_probs: Tensor, taxonomy: Taxonomy, temperature: float) -> Tensor:
    """The shares of the leaves to the power of 1/T, summed up the tree. (B, N) log-probabilities; returns (B, N).

    The order of the leaves stays as it is.
    """
    leaves = torch.as_tensor(taxonomy.leaves, device=log_probs.device)
    return leaf_log_marginals(log_probs.float()[:, leaves] / temperature, taxonomy)


def fit_temperature(leaf_log_probs: Tensor, nodes: Tensor, taxonomy: Taxonomy) -> float:
    """The T that makes the labels likeliest. leaf_log_probs: (V, L), normalised or not. nodes: (V,) at any depth.

    One weak pull, ½ (log T)², keeps T finite where every validation image is right, and 1 where labels say nothing.
    """
    scores = leaf_log_probs.double()

    def cost(log_temperature: float) -> float:
        losses = marginal_loss(scores / math.exp(log_temperature), nodes, taxonomy)
        return float(losses.sum()) + log_temperature**2 / 2

    return math.exp(golden_section(cost, math.log(LOWEST), math.log(HIGHEST), TOLERANCE))


def golden_section(cost: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """The place of the least cost between low and high, for a cost with one valley (Kiefer, 1953)."""
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    costs = [cost(place) for place in inner]
    while high - low > tolerance:
        if costs[0] < costs[1]:
            high, inner[1], costs[1] = inner[1], inner[0], costs[0]
            inner[0] = high - GOLDEN * (high - low)
            costs[0] = cost(inner[0])
        else:
            low, inner[0], costs[0] = inner[0], inner[1], costs[1]
            inner[1] = low + GOLDEN * (high - low)
            costs[1] = cost(inner[1])
    return float(np.mean([low, high]))
