"""`flat`: one softmax over the leaves; a label at any node is the sum of its leaves. The honest baseline.

The flat softmax baseline of Valmadre, "Hierarchical classification at multiple operating points", NeurIPS 2022.
"""

from torch import Tensor, nn

from hmgc_core.models.base import Trunk
from hmgc_core.models.leaf_softmax import LeafSoftmax
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy


class Flat(LeafSoftmax):
    """One Linear over the leaves; what it learns from each kind of label stands at `LeafSoftmax`."""

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.head = nn.Linear(trunk.vector_channels, len(taxonomy.leaves))

    def leaf_logits(self, pooled: Tensor) -> Tensor:
        """(B, C) to (B, L)."""
        logits: Tensor = self.head(pooled)
        return logits


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> Flat:
    """The model of the catalog's entry `flat`."""
    return Flat(taxonomy, trunk, label_smoothing=config.label_smoothing)
