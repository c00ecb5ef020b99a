"""`per_level`: one softmax per level on the same features, cross-entropy at every level that the label names.

The loss of FGN (Chang et al., "Your 'Flamingo' is My 'Bird'", CVPR 2021), of H-CAST (Park et al., "Visually Consistent
Hierarchical Image Classification", ICLR 2025) and of "Free-Grained Hierarchical Visual Recognition" (Park et al.,
CVPR 2026, where labels stop at any level):

    L = sum over levels l of CE(softmax(z_l), ancestor of the label at level l), where the label reaches level l

A coarse label says nothing to the finer softmaxes; that is what tells this baseline from the marginal likelihood.
Answers are each level's own best class, so they may contradict each other. Where we differ: those papers read the
levels from different features (FGN parts of the vector, H-CAST stages), here all read the pooled vector; ragged trees,
`is_not`, `none_here` and weights as `LevelModel` says, which also says how the levels become one distribution.
"""

from torch import Tensor, nn

from hmgc_core.models.base import Trunk
from hmgc_core.models.levels import LevelModel, LevelScores
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy


class PerLevel(LevelModel):
    """Pooled trunk features and one Linear, whose outputs are the classes of all levels."""

    has_head = True

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.head = nn.Linear(trunk.vector_channels, sum(self.sizes))

    def from_features(self, features: Tensor) -> LevelScores:
        """(B, C) pooled features to logits of every level."""
        return LevelScores(embedding=features, levels=self.head(features).float().split(self.sizes, 1))


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> PerLevel:
    """The model of the catalog's entry `per_level`."""
    return PerLevel(taxonomy, trunk, label_smoothing=config.label_smoothing)
