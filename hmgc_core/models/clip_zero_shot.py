"""`clip_zero_shot`: a CLIP as it is, asked for the names of the classes. Nothing is learned.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021. With the weights of
a trained `hgrnet` it asks that one about the tree as it is now, classes added since included.
"""

from torch import Tensor

from hmgc_core.errors import NotTrainable
from hmgc_core.models.backbones.clip_both_towers import ClipTowers
from hmgc_core.models.base import Scores
from hmgc_core.models.named_classes import NamedClasses
from hmgc_core.models.options import chosen_options
from hmgc_core.records import RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy


class ClipZeroShot(NamedClasses):
    """The answers and probabilities of `NamedClasses`, without a loss."""

    def loss(self, scores: Scores, targets: Tensor | Targets) -> Tensor:  # noqa: ARG002 - there is nothing to learn
        """Raises NotTrainable."""
        raise NotTrainable("clip_zero_shot has nothing to learn", remedy="choose hgrnet to train CLIP on your labels")


def build(taxonomy: Taxonomy, trunk: ClipTowers, config: RunConfig) -> ClipZeroShot:
    """The model of the catalog's entry `clip_zero_shot`. Raises BadConfig where the prompt has no place for a name."""
    return ClipZeroShot(taxonomy, trunk, prompt=str(chosen_options(config)["prompt"]))
