"""`hmgn`: "Hierarchical Multi-Granularity Classification based on Residual Gated GCN", by HRN's authors (public code
MonsterZhZh/HMGN), on any tree, any trunk and any map size.

As published: the words of a class's name say where to look for it (semantic-guided attention, as in SSGRL, Chen et
al., ICCV 2019); three cells of a gated graph network (Bresson & Laurent, "Residual Gated Graph ConvNets", 2017) let
classes that are parent and child exchange what they saw; one score per class. Losses and answers are `hrn`'s, but one
leaf head serves both: the leaf scores are sigmoids for the tree loss and logits for the cross-entropy.
Where we differ:
- The attention's width is C/2 for the trunk's C channels, the published 1024 at ResNet-50's 2048.
- The biases of the attention's two last linear maps are left out: a softmax over positions cancels them.
- The root is no class of the graph, as published, where a tree has levels only; so top classes are not linked.
- A class without word vectors gets one from the letters of its name (`word_vectors`), never a row of zeros.
- Learning rates: two groups, as published, but `hrn`'s for a trunk that starts at random: all but the trunk learns at a
  fifth of its rate. Taken over, not tuned for this model.
- BatchNorm, labels of other kinds and only children: as in our `hrn`.

The attention and the graph, each in a file of its own, give the same numbers as the authors' form, at a fraction of
its time and memory.
"""

import math

import torch
from torch import Tensor, nn

from hmgc_core.errors import BadConfig
from hmgc_core.models.base import Trunk
from hmgc_core.models.gated_graph import GatedCell, level_rows
from hmgc_core.models.options import chosen_options
from hmgc_core.models.semantic_attention import SemanticAttention
from hmgc_core.models.tree_sigmoids import SigmoidScores, TreeSigmoidModel
from hmgc_core.models.word_vectors import ClassVectors, class_vectors
from hmgc_core.models.work_blocks import device_memory, slices
from hmgc_core.precision import is_halved
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy

CELLS = 3
PREDICTED_AT_ONCE = (
    2**25
)  # numbers of the class features: 128 MB, and about eight times that while a cell works on them


class HMGN(TreeSigmoidModel):
    """Attention per class, three gated cells on the edges of the tree, one score per class.

    words: the vectors of the classes. They are part of the checkpoint, so the file they came from may be gone.
    """

    words: Tensor
    word_rows: Tensor
    column: Tensor
    parents: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, words: ClassVectors, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.word_remarks = words.remarks
        self.register_buffer("words", torch.tensor(words.vectors))
        self.attention = SemanticAttention(trunk.channels)
        self.cells = nn.ModuleList(GatedCell(trunk.channels) for _ in range(CELLS))
        self.classifier = ElementWiseClassifier(len(taxonomy) - 1, trunk.channels)
        nodes, parents = level_rows(taxonomy)
        self.keep(word_rows=nodes - 1, column=nodes.argsort(), parents=parents)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to the trunk's map, (B, C, h, w): each class looks for its own place on it."""
        maps: Tensor = self.trunk(images)
        return maps

    def from_features(self, features: Tensor) -> SigmoidScores:
        """(B, C, h, w) to a score for every class. Raises BadConfig where a step of training is too large to fit."""
        # The BatchNorm of a training step is over all pictures at once; predictions know nothing of each other.
        at_once = len(features) if self.training else PREDICTED_AT_ONCE // (len(self.word_rows) * features.shape[1])
        if self.training:
            self._check_memory(features)
        parts = [self._class_scores(features[some]) for some in slices(len(features), at_once)]
        below_root = torch.cat(parts)[:, self.column]
        logits = nn.functional.pad(below_root, (1, 0))
        return SigmoidScores(
            embedding=features.mean((2, 3)),
            nodes=nn.functional.pad(torch.sigmoid(below_root), (1, 0)),
            node_logits=logits,
            leaves=logits[:, self.leaf_nodes],
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the file of word vectors lacks."""
        return (*super().remarks, *self.word_remarks)

    def _class_scores(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, N - 1), level by level."""
        classes = self.attention(features, self.words[self.word_rows])
        for cell in self.cells:
            classes = cell(classes, self.parents)
        return self.classifier(classes).float()

    def _check_memory(self, features: Tensor) -> None:
        classes, pictures = len(self.word_rows), len(features)
        needed, there = step_memory(features, classes), device_memory(features.device)
        if needed > there:
            fitting = int(pictures * there / needed)
            batches = f"batches of at most {fitting} pictures, " if fitting >= 2 else ""
            raise BadConfig(
                f"a step of hmgn with {classes} classes and {pictures} pictures needs about {needed / 1e9:.1f} GB, "
                f"and {there / 1e9:.1f} GB are there in all",
                remedy=f"choose {batches}a backbone of fewer channels, a smaller tree, or another model: hrn, flat",
            )


def step_memory(features: Tensor, classes: int) -> float:
    """About how many bytes a training step of this many classes takes beside the trunk. features: (B, C, h, w)."""
    batch, channels, height, width = features.shape
    # Of each channel of a class: the four maps of two convolutions; what norms, ReLUs and casts keep; the way back.
    maps, kept, back = (16, 20, 36) if is_halved(features.device) else (32, 16, 36)
    return batch * classes * ((CELLS * (maps + kept) + back) * channels + 16 * height * width)


class ElementWiseClassifier(nn.Module):
    """A weight vector and a bias of its own for every class: (K, B, C) to (B, K)."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(classes, channels)), nn.Parameter(torch.empty(classes))
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -1 / math.sqrt(channels), 1 / math.sqrt(channels))

    def forward(self, nodes: Tensor) -> Tensor:
        """(K, B, C) to (B, K)."""
        return (nodes @ self.weight[:, :, None])[..., 0].t() + self.bias


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> HMGN:
    """The model of the catalog's entry `hmgn`. Raises WeightsError where its file of word vectors cannot be used."""
    words = class_vectors(taxonomy, str(chosen_options(config)["word_vectors"]))
    return HMGN(taxonomy, trunk, words, label_smoothing=config.label_smoothing)
