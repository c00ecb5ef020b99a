"""What `clip_zero_shot` and `hgrnet` share: every class is known by its name, read by a CLIP.

A picture and a name are near where CLIP says so (Radford et al., ICML 2021). So a class without a single picture is
predicted from its name. A name is told with that of its parent, so that two "cranes" differ.
"""

import math
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from hmgc_core.losses import leaf_log_marginals
from hmgc_core.models.backbones.clip_both_towers import ClipTowers
from hmgc_core.models.base import HierarchicalModel, Scores, answers_above
from hmgc_core.models.sisters import log_softmax_in_groups
from hmgc_core.precision import full_precision, without_autocast
from hmgc_core.taxonomy import Taxonomy

PROMPT = "a photo of a {}"
TEXTS_AT_ONCE = 256  # encoded together where nothing is learned
HIGHEST_LOG_SCALE = math.log(100)


class NamedClasses(HierarchicalModel):
    """The cosine between a picture and the name of every class, times CLIP's temperature. Subclasses give the loss.

    The probability of a class among its sisters is the softmax of their scores, and that of a node the product down
    its path: the names of inner classes count, and a class added to the tree takes from its sisters alone.
    """

    tokens: Tensor
    parents: Tensor
    depths: Tensor
    paths: Tensor
    leaf_nodes: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: ClipTowers, *, prompt: str = PROMPT) -> None:
        super().__init__(taxonomy, trunk)
        self._kept_texts: tuple[Any, Tensor] | None = None
        self.keep(
            tokens=trunk.tokenise(prompts(taxonomy, prompt)),
            parents=taxonomy.parents,
            depths=taxonomy.depths,
            paths=np.maximum(taxonomy.ancestors_by_depth, 0),  # the root, whose step is 0, where a path has ended
            leaf_nodes=taxonomy.leaves,
        )
        for depth, nodes in enumerate(taxonomy.levels, start=1):
            self.keep(**{f"nodes_{depth}": nodes})

    @property
    def towers(self) -> ClipTowers:
        """The trunk: it reads texts too."""
        return cast(ClipTowers, self.trunk)

    @property
    def target_layer(self) -> nn.Module:
        """The part of the map that belongs to places."""
        return self.towers.looked_at

    def from_features(self, features: Tensor) -> Scores:
        """(B, E) CLIP's embeddings are the scores: the names they are held against are read when they are asked."""
        return Scores(embedding=features)

    def log_probs(self, scores: Scores) -> Tensor:
        """(B, N): the sums of the log-probabilities among sisters down each path."""
        evidence = self.evidence(scores)
        steps = log_softmax_in_groups(evidence[:, 1:], self.parents[1:], evidence.shape[1])
        return nn.functional.pad(steps, (1, 0))[:, self.paths].sum(2)

    def answer_log_probs(self, scores: Scores) -> Tensor:
        """(B, N): a softmax over all leaves, the nearest of which is the answer; inner nodes have their leaves' sum."""
        return leaf_log_marginals(self.evidence(scores)[:, self.leaf_nodes], self.taxonomy)

    def answers(self, scores: Scores) -> Tensor:
        """(B, D): the nearest leaf of all, and at each level above it the nearest class of that level."""
        evidence = self.evidence(scores)
        leaf = self.leaf_nodes[evidence[:, self.leaf_nodes].argmax(1)]
        levels = [self.get_buffer(f"nodes_{depth}") for depth in range(1, self.taxonomy.depth + 1)]
        return answers_above(leaf, [nodes[evidence[:, nodes].argmax(1)] for nodes in levels], self.depths)

    def evidence(self, scores: Scores) -> Tensor:
        """(B, N): cosine times temperature, at most 100; 0 for the root, whose name is not asked."""
        return self.similarities(scores.embedding, self._texts())

    def similarities(self, embedding: Tensor, texts: Tensor) -> Tensor:
        """(B, E) pictures and (K, E) texts of length 1 to (B, K), the cosine times temperature."""
        log_scale = self.towers.clip.logit_scale
        # The excess is taken off as a number: published weights stand at the bound, where clamp would have no slope.
        bounded = log_scale - (log_scale - HIGHEST_LOG_SCALE).clamp(min=0).detach()
        with without_autocast(embedding.device):
            return bounded.exp() * unit(embedding) @ texts.t()

    def _texts(self) -> Tensor:
        """(N, E) of length 1, zeros for the root. While nothing is learned they are kept until the tower changes."""
        if self.training:
            return nn.functional.pad(unit(self.towers.embed_texts(self.tokens[1:])), (0, 0, 1, 0))
        state = [(p.device, p.data_ptr(), p._version) for p in self.towers.text_parameters()]
        if self._kept_texts is None or self._kept_texts[0] != state:
            self._kept_texts = (state, self._encode_all())
        return self._kept_texts[1]

    @torch.inference_mode(False)  # a heatmap, which needs gradients of pictures, may use what a prediction has kept
    @torch.no_grad()
    def _encode_all(self) -> Tensor:
        with without_autocast(self.tokens.device):
            parts = [unit(self.towers.embed_texts(tokens)) for tokens in self.tokens[1:].split(TEXTS_AT_ONCE)]
        return nn.functional.pad(torch.cat(parts), (0, 0, 1, 0))


def unit(vectors: Tensor) -> Tensor:
    """Rows at length 1, in float32 at least."""
    return nn.functional.normalize(full_precision(vectors), dim=-1)


def prompts(taxonomy: Taxonomy, prompt: str) -> list[str]:
    """What is said of each node: `prompt` with its name, and what it is a kind of below the top level."""
    names = [taxonomy.name(node).replace("_", " ") for node in range(len(taxonomy))]
    kinds = [f", a kind of {names[parent]}." if parent > 0 else "." for parent in taxonomy.parents]
    return [prompt.replace("{}", name) + kind for name, kind in zip(names, kinds, strict=True)]
