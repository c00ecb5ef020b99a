"""`ps`: parameters shared along the tree. A leaf's logit is the sum of one score for it and one for each ancestor.

"Parameter sharing" softmax, Valmadre, "Hierarchical classification at multiple operating points", NeurIPS 2022, after
Deep-RTC (Wu et al., "Solving long-tailed recognition with deep realistic taxonomic classifier", ECCV 2020):

    z_leaf = sum of s_v over v on the path to the leaf,   P = softmax(z),   P(node) = sum of P over its leaves

What is learned for a node acts on every leaf below it, so rare leaves borrow from their relatives; a coarse label
moves the score of its own node directly. Loss: the marginal likelihood of the label, as in `flat`.
Where we differ: the root's score, which all leaves have in common and the softmax takes out, does not exist.
"""

import torch
from torch import Tensor, nn

from hmgc_core.models.base import Trunk
from hmgc_core.models.leaf_softmax import LeafSoftmax
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy


class ParameterSharing(LeafSoftmax):
    """One Linear over all nodes but the root, summed along paths; the kinds of labels are those of `LeafSoftmax`."""

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.head = nn.Linear(trunk.vector_channels, len(taxonomy) - 1)

    def leaf_logits(self, pooled: Tensor) -> Tensor:
        """(B, C) to (B, L): the sum of the scores on each leaf's path."""
        scores = nn.functional.pad(self.head(pooled).float(), (1, 0))  # the root's 0 also fills up short paths
        paths = self.paths[self.leaf_nodes].clamp_min(0)
        logits = torch.zeros((), device=pooled.device)
        for level in paths.unbind(1):
            logits = logits + scores.index_select(1, level)
        return logits


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> ParameterSharing:
    """The model of the catalog's entry `ps`."""
    return ParameterSharing(taxonomy, trunk, label_smoothing=config.label_smoothing)
