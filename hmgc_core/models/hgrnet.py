"""`hgrnet`: a CLIP that learns from labels at any level, by the names of the classes.

HGR-Net: Yi et al., "Exploring Hierarchical Graph Representation for Large-Scale Zero-Shot Image Classification",
ECCV 2022: both towers of a CLIP learn by contrast, level by level along the path of the label (its method "OM").

Where we differ:
- A step encodes each name that it needs once, and all its contrasts are taken from that; published is a pass over the
  names for each contrast, on batches of one class. Loss and gradients are the same; batches may mix classes and levels.
- `window`: published negatives stand one level above the anchor only ("above"), so that a class of a lower level never
  meets its own sisters; ours by default stand on the anchor's level and the next on either side ("around"), without
  what is below the label: a picture labelled "bird" may well be an owl. Of more than 256 a random 256 are met, drawn
  from the seed and the labels of the batch, the same order for all of its contrasts.
- Layer weights: a parameter per depth, softmax over the depths in use, -log of the level's size at first: the rule
  1/N that the supplement finds the learned weights to follow. The published parameters cannot be trained.
- A class is a negative from its first label on, as the classes above it are: published are all classes of the tree,
  which teaches that no picture shows one that has none, so that it is never answered (`tests/test_hgrnet.py`).
- A name is told with that of its parent; `is_not` is learned, which published labels do not have.
- AdamW's rates are shares of the run's, on the schedule of every model; the towers have the run's weight decay
  (published: none); no clipping of gradients; the temperature is at most 100, as in CLIP. Published gradients are
  never set back to zero between steps; ours are.
"""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from hmgc_core.models.backbones.clip_both_towers import ClipTowers
from hmgc_core.models.base import Scores, as_targets, weighted_mean
from hmgc_core.models.contrasts import Contrast, ContrastTables
from hmgc_core.models.named_classes import PROMPT, NamedClasses, unit
from hmgc_core.models.options import chosen_options
from hmgc_core.records import IS_NOT, RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy

# Of a tree with more names a step encodes those that it needs; to count them it waits for the GPU, which is less than
# encoding thousands. Of a smaller one a batch needs nearly all.
ALL_NAMES = 512

# Shares of the run's learning rate: at its default of 0.1, towers that were pretrained learn at 1e-6 and layer weights
# at 1e-4, the published rates for few pictures a class; towers that start at random at 1e-3.
PRETRAINED_LR_FACTOR, RANDOM_LR_FACTOR, LAYER_LR_FACTOR = 1e-5, 1e-2, 1e-3


class HgrNet(NamedClasses):
    """CLIP that learns from labels at any level by the OM loss.

    A label's positives are the lowest `out_ratio` of its path; each meets negatives at the levels of the lowest
    `in_ratio` of its own path. `is_not` is learned as the probability of everything else under `log_probs`. There is
    no state "stops here": `none_here` is learned as the weaker truth `is`. The root teaches nothing.

    taught: (N,) bool, the classes that a label was at or below so far. Only they are negatives: to be told apart from
    every picture and drawn to none is how a class without a picture would be lost. It is part of the checkpoint.
    """

    taught: Tensor

    def __init__(
        self, taxonomy: Taxonomy, trunk: ClipTowers, *, prompt: str = PROMPT, contrast: Contrast | None = None
    ) -> None:
        super().__init__(taxonomy, trunk, prompt=prompt)
        self.tables = ContrastTables(taxonomy, contrast or Contrast())
        sizes = np.bincount(taxonomy.depths)
        self.theta = nn.Parameter(-torch.tensor(sizes, dtype=torch.float32).log())  # (D + 1,), by depth
        self.register_buffer("taught", torch.zeros(len(taxonomy), dtype=torch.bool))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """As of any module; what was trained before `taught` was kept had all classes as negatives."""
        state_dict.setdefault(f"{prefix}taught", torch.ones_like(self.taught))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def loss(self, scores: Scores, targets: Tensor | Targets) -> Tensor:
        """Mean over the images of the weighted sum of their contrasts, or of -log P(everything else) for `is_not`."""
        targets = as_targets(targets)
        excluded = targets.kinds == IS_NOT
        paths = self.paths[targets.nodes]
        self.taught[paths.masked_fill(excluded[:, None], 0)] = True
        contrasts = self.tables(targets.nodes, ~excluded, self.taught, self.theta)
        is_left = (paths > 0) & excluded[:, None]  # (B, D): at one of these levels the path is left
        sisters = (self.parents == self.parents[paths][..., None]) & is_left[..., None]
        said = self._said(scores, self._names(contrasts.candidates, sisters))
        crossed = said.log_sums(contrasts.candidates) - said.of(contrasts.right)[..., None]
        losses = (contrasts.weights * crossed).masked_fill(~contrasts.is_there, 0).sum((1, 2))
        return weighted_mean(torch.where(excluded, said.complement(paths, sisters, is_left), losses), targets.weights)

    def _names(self, *asked: Tensor) -> Tensor:
        """(K,) nodes: whose names a step encodes. asked: (…, N) bool, whom it asks for."""
        if len(self.tokens) <= ALL_NAMES:
            return torch.arange(1, len(self.tokens), device=self.tokens.device)
        needed = torch.stack([each.flatten(0, -2).any(0) for each in asked]).any(0)
        needed[1] = True  # a batch of labels at the root asks for nobody
        return needed.nonzero()[:, 0]

    def _said(self, scores: Scores, names: Tensor) -> "_Said":
        texts = unit(self.towers.embed_texts(self.tokens[names]))
        return _Said(self.similarities(scores.embedding, texts), names, len(self.tokens))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The towers, slowly where they were pretrained; temperature and layer weights without weight decay."""
        factor = PRETRAINED_LR_FACTOR if self.towers.pretrained else RANDOM_LR_FACTOR
        scale = self.towers.clip.logit_scale
        towers = [parameter for parameter in self.towers.parameters() if parameter is not scale]
        return [
            {"params": towers, "lr_factor": factor},
            {"params": [scale], "lr_factor": factor, "weight_decay": 0.0},
            {"params": [self.theta], "lr_factor": LAYER_LR_FACTOR, "weight_decay": 0.0},
        ]

    def optimizer(self, config: RunConfig) -> torch.optim.Optimizer:
        """AdamW, as published, at shares of the run's rate, which the remarks tell."""
        highest = max(group["lr_factor"] for group in self.parameter_groups()) * config.lr
        self.trunk.remarks.append(
            f"hgrnet learns with AdamW, where the learning rate {config.lr:g} stands for at most {highest:g}"
        )
        return torch.optim.AdamW(self.parameter_groups(), lr=config.lr, weight_decay=config.weight_decay)


class _Said:
    """(B, K) similarities of the pictures with the K classes `names`, among N."""

    def __init__(self, similarities: Tensor, names: Tensor, classes: int) -> None:
        self.similarities, self.names = similarities, names
        self.column = torch.zeros(classes, dtype=torch.int64, device=names.device)
        self.column[names] = torch.arange(len(names), device=names.device)
        self.nothing = torch.finfo(similarities.dtype).min / 4  # as good as minus infinity, and free of inf - inf

    def of(self, nodes: Tensor) -> Tensor:
        """(B, K): of these nodes; of one that is not among the names any number."""
        return self.similarities.gather(1, self.column[nodes])

    def log_sums(self, candidates: Tensor) -> Tensor:
        """(B, …): log of the summed exp of the candidates, (B, …, N) bool; `nothing` or less for none."""
        inside = candidates[..., self.names]
        alone = (len(inside), *[1] * (inside.ndim - 2), len(self.names))
        return self.similarities.view(alone).masked_fill(~inside, self.nothing).logsumexp(-1)

    def complement(self, paths: Tensor, sisters: Tensor, is_left: Tensor) -> Tensor:
        """-log(1 - P(node)), (B,): the path is left at one of its levels, and was kept to before. Exact near P = 1.

        paths: (B, D) nodes. sisters: (B, D, N) bool, the node there and its sisters. is_left: (B, D) bool, where the
        path goes on; a row with none has no meaning.
        """
        total = self.log_sums(sisters)
        itself = paths[..., None] == torch.arange(sisters.shape[-1], device=paths.device)
        stays = (self.of(paths) - total).masked_fill(~is_left, 0)
        leaves = (self.log_sums(sisters & ~itself) - total).masked_fill(~is_left, self.nothing)
        return -(stays.cumsum(1) - stays + leaves).logsumexp(1)


def build(taxonomy: Taxonomy, trunk: ClipTowers, config: RunConfig) -> HgrNet:
    """The model of the catalog's entry `hgrnet`. Raises BadConfig where the prompt has no place for the name."""
    options = chosen_options(config)
    names = ("out_ratio", "in_ratio", "window", "weighting")
    contrast = Contrast(**cast(dict[str, Any], {name: options[name] for name in names}), seed=config.seed)
    return HgrNet(taxonomy, trunk, prompt=str(options["prompt"]), contrast=contrast)
