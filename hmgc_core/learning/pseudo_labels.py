"""Narrow down labels that leave several leaves possible, by the model's own sure guesses inside the labelled subtree.

FixMatch (Sohn et al., NeurIPS 2020) with the alignment of ReMixMatch (Berthelot et al., ICLR 2020), as Su and Maji
(2021) use them for coarse labels. Where we differ: the guess is made by averaged weights, its posterior is cut to the
leaves that the label allows before it is weighed, and a sure guess takes the label's place: its likelihood includes the
label's.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmgc_core.learning.batches import TrainingSet
from hmgc_core.learning.processes import ALONE, Processes
from hmgc_core.recipes import Switches
from hmgc_core.records import IS, IS_NOT, NONE_HERE, Targets
from hmgc_core.taxonomy import Taxonomy

MEMORY = 0.01  # share of the newest batch in the running mean of guesses
RAREST = 1e-6  # no leaf's share counts as less


@dataclass
class PseudoLabels:
    """prior: (L,) how often each leaf is expected among the vague labels. guessed: (L,) how often it was guessed."""

    taxonomy: Taxonomy
    switches: Switches
    prior: Tensor
    guessed: Tensor

    @classmethod
    def of(cls, taxonomy: Taxonomy, data: TrainingSet, switches: Switches, device: torch.device) -> "PseudoLabels":
        """Before the first guess, guesses are as frequent as expected."""
        prior = torch.from_numpy(expected_leaves(taxonomy, data)).to(device)
        return cls(taxonomy, switches, prior, prior.clone())

    def narrowed(self, log_probs: Tensor, targets: Targets, processes: Processes = ALONE) -> Targets:
        """The targets with every vague label that the guesser is sure about replaced by the leaf it guesses.

        log_probs: (B, N) of the guesser. targets: (B,) vague ones only. A picture whose class is missing from the tree
        is not guessed. Of several processes each guesses the pictures of its share, perhaps none.
        """
        leaves = torch.as_tensor(self.taxonomy.leaves, device=log_probs.device)
        allowed = allowed_leaves(self.taxonomy, targets)
        posterior = torch.softmax(log_probs.float()[:, leaves].masked_fill(~allowed, -torch.inf), 1)
        weighed = posterior
        if self.switches.aligned:
            weighed = posterior * (self.prior / self.guessed.clamp_min(RAREST))
            weighed = weighed / weighed.sum(1, keepdim=True)
        self.guessed.lerp_(processes.mean_row(posterior), MEMORY)
        certainty, best = weighed.max(1)
        sure = (certainty >= self.switches.sure_from) & (targets.kinds != NONE_HERE)
        return Targets(
            torch.where(sure, leaves[best], targets.nodes), torch.where(sure, IS, targets.kinds), targets.weights
        )


def allowed_leaves(taxonomy: Taxonomy, targets: Targets) -> Tensor:
    """(B, L) bool: the leaves at or below the target, and those that are not for `is_not`."""
    device = targets.nodes.device
    places = torch.as_tensor(taxonomy.preorder_start[taxonomy.leaves], device=device)
    first, end = (torch.as_tensor(ends, device=device) for ends in (taxonomy.preorder_start, taxonomy.preorder_end))
    inside = (places >= first[targets.nodes, None]) & (places < end[targets.nodes, None])
    return inside ^ (targets.kinds == IS_NOT)[:, None]


def expected_leaves(taxonomy: Taxonomy, data: TrainingSet) -> NDArray[np.float32]:
    """(L,) how often each leaf is expected among vague labels: as among the exact ones, within each label's leaves.

    A leaf counts once more than it is labelled, so that none is impossible.
    """
    exact = ~data.vague
    # A label above a single leaf names that leaf: the first leaf in pre-order at or after it.
    starts = taxonomy.preorder_start[taxonomy.leaves]
    by_place = np.argsort(starts)
    named = by_place[np.searchsorted(starts[by_place], taxonomy.preorder_start[data.nodes[exact]])]
    counts = 1.0 + np.bincount(named, minlength=len(taxonomy.leaves))
    expected = np.zeros(len(taxonomy.leaves))
    labels, times = np.unique(np.stack([data.nodes, data.kinds])[:, data.vague], axis=1, return_counts=True)
    for (node, kind), often in zip(labels.T, times, strict=True):
        inside = (starts >= taxonomy.preorder_start[node]) & (starts < taxonomy.preorder_end[node])
        share = counts * (inside ^ (kind == IS_NOT))
        expected += often * share / share.sum()
    return (expected / max(expected.sum(), 1e-12)).astype(np.float32)
