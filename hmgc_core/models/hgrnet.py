"""`clip_zero_shot` and `hgrnet`: every class is known by its name. A picture and a name are near where CLIP says so.

HGR-Net: Yi et al., "Exploring Hierarchical Graph Representation for Large-Scale Zero-Shot Image Classification",
ECCV 2022: both towers of a CLIP learn by contrast, level by level along the path of the label (its method "OM"); and
`clip_zero_shot`, the same without any learning. A class without a single picture is predicted from its name.

Where we differ:
- A step encodes each name that it needs once, and all its contrasts are taken from that; published is a pass over the
  names for each contrast, on batches of one class. Loss and gradients are the same; batches may mix classes and levels.
- `window`: published negatives stand one level above the anchor only ("above"), so that a class of a lower level never
  meets its own sisters; ours by default stand on the anchor's level and the next on either side ("around"), without
  what is below the label: a picture labelled "bird" may well be an owl. Of more than 256 a random 256 are met, drawn
  from the seed and the labels of the batch, the same order for all of its contrasts.
- Layer weights: a parameter per depth, softmax over the depths in use, -log of the level's size at first: the rule
  1/N that the supplement finds the learned weights to follow. The published parameters cannot be trained.
- A name is told with that of its parent, so that two "cranes" differ.
- AdamW's rates are shares of the run's, no clipping of gradients; the temperature is kept at most 100, as in CLIP.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, NotTrainable
from hmgc_core.models.base import HierarchicalModel, Scores, as_targets, weighted_mean
from hmgc_core.models.clip_towers import ClipTowers
from hmgc_core.models.options import chosen_options
from hmgc_core.records import IS_NOT, RunConfig, Targets
from hmgc_core.taxonomy import IntArray, Taxonomy

PROMPT = "a photo of a {}"
TEXTS_AT_ONCE = 256  # encoded together where nothing is learned
HIGHEST_LOG_SCALE = math.log(100)
NEGATIVES = 256

# Shares of the run's learning rate: at its default of 0.1, towers that were pretrained learn at 1e-6 and layer weights
# at 1e-4, the published rates for few pictures a class; towers that start at random at 1e-3.
PRETRAINED_LR_FACTOR, RANDOM_LR_FACTOR, LAYER_LR_FACTOR = 1e-5, 1e-2, 1e-3


class ClipZeroShot(HierarchicalModel):
    """The cosine between a picture and the name of every class, times CLIP's temperature. Learns nothing.

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
        self.prompt = prompt
        self._kept_texts: tuple[Any, Tensor] | None = None
        self.keep(
            tokens=trunk.tokenise(prompts(taxonomy, prompt)),
            parents=taxonomy.parents,
            depths=taxonomy.depths,
            paths=np.maximum(taxonomy.ancestors_by_depth, 0),  # the root, whose step is 0, where a path has ended
            leaf_nodes=taxonomy.leaves,
        )

    @property
    def towers(self) -> ClipTowers:
        """The trunk: it reads texts too."""
        return cast(ClipTowers, self.trunk)

    @property
    def target_layer(self) -> nn.Module:
        """The part of the map that belongs to places."""
        return self.towers.looked_at

    def retarget(self, taxonomy: Taxonomy) -> "ClipZeroShot":
        """The same towers asked about another tree: classes added since have scores by their names."""
        other = ClipZeroShot(taxonomy, self.towers, prompt=self.prompt)
        return other.to(self.tokens.device).train(self.training)

    def forward(self, images: Tensor) -> Scores:
        """(B, 3, H, W) to CLIP's embeddings."""
        return Scores(embedding=self.trunk.pool(self.trunk(images)))

    def loss(self, scores: Scores, targets: Tensor | Targets) -> Tensor:  # noqa: ARG002 - there is nothing to learn
        """Raises NotTrainable."""
        raise NotTrainable("clip_zero_shot has nothing to learn", remedy="choose hgrnet to train CLIP on your labels")

    def log_probs(self, scores: Scores) -> Tensor:
        """(B, N): the sums of the log-probabilities among sisters down each path."""
        return self._log_steps(self.evidence(scores))[:, self.paths].sum(2)

    def answers(self, scores: Scores) -> Tensor:
        """(B, D): the nearest leaf of all, and at each level above it the nearest class of that level."""
        evidence = self.evidence(scores)
        leaf = self.leaf_nodes[evidence[:, self.leaf_nodes].argmax(1)]
        columns = []
        for depth in range(1, self.taxonomy.depth + 1):
            nearest = evidence.masked_fill(self.depths != depth, -torch.inf).argmax(1)
            below = torch.where(self.depths[leaf] == depth, leaf, -1)
            columns.append(torch.where(self.depths[leaf] > depth, nearest, below))
        return torch.stack(columns, 1)

    def evidence(self, scores: Scores) -> Tensor:
        """(B, N): cosine times temperature, at most 100; 0 for the root, whose name is not asked."""
        return self._similarities(scores.embedding, self._texts())

    def _similarities(self, embedding: Tensor, texts: Tensor) -> Tensor:
        """(B, E) pictures and (K, E) texts of length 1 to (B, K)."""
        with _without_autocast(embedding):
            scale = self.towers.clip.logit_scale.clamp(max=HIGHEST_LOG_SCALE).exp()
            return scale * _unit(embedding) @ texts.t()

    def _texts(self) -> Tensor:
        """(N, E) of length 1, zeros for the root. While nothing is learned they are kept until the tower changes."""
        if self.training:
            return nn.functional.pad(_unit(self.towers.embed_texts(self.tokens[1:])), (0, 0, 1, 0))
        state = [(p.device, p.data_ptr(), p._version) for p in self.towers.text_parameters()]
        if self._kept_texts is None or self._kept_texts[0] != state:
            self._kept_texts = (state, self._encode_all())
        return self._kept_texts[1]

    @torch.inference_mode(False)  # a heatmap, which needs gradients of pictures, may use what a prediction has kept
    @torch.no_grad()
    def _encode_all(self) -> Tensor:
        with _without_autocast(self.tokens):
            parts = [_unit(self.towers.embed_texts(tokens)) for tokens in self.tokens[1:].split(TEXTS_AT_ONCE)]
        return nn.functional.pad(torch.cat(parts), (0, 0, 1, 0))

    def _log_steps(self, evidence: Tensor) -> Tensor:
        """(B, N) scores to log P(node | its parent), 0 for the root."""
        children = evidence[:, 1:]
        parents = self.parents[1:].expand_as(children)
        tops = torch.full_like(evidence, -torch.inf).scatter_reduce(1, parents, children.detach(), "amax")
        above_top = children - tops.gather(1, parents)
        totals = torch.zeros_like(evidence).scatter_add(1, parents, above_top.exp())
        return nn.functional.pad(above_top - totals.gather(1, parents).log(), (1, 0))


@dataclass(frozen=True)
class Contrast:
    """What HGR-Net contrasts. The options' meaning is in `models.options`; negatives: at most so many a contrast."""

    out_ratio: float = 0.25
    in_ratio: float = 0.5
    window: str = "around"
    weighting: str = "learned"
    seed: int = 0
    negatives: int = NEGATIVES


@dataclass(frozen=True)
class _Rows:
    """R times "which of these is it?". images: (R,) places in the batch. right: (R,) nodes. candidates: (R, N) bool."""

    images: Tensor
    right: Tensor
    candidates: Tensor


class HgrNet(ClipZeroShot):
    """CLIP that learns from labels at any level by the OM loss.

    A label's positives are the lowest `out_ratio` of its path; each meets negatives at the levels of the lowest
    `in_ratio` of its own path. `is_not` is learned as the probability of everything else under `log_probs`. There is
    no state "stops here": `none_here` is learned as the weaker truth `is`. The root teaches nothing.
    """

    above: Tensor
    starts: Tensor
    ends: Tensor
    out_counts: Tensor
    in_counts: Tensor

    def __init__(
        self, taxonomy: Taxonomy, trunk: ClipTowers, *, prompt: str = PROMPT, contrast: Contrast | None = None
    ) -> None:
        super().__init__(taxonomy, trunk, prompt=prompt)
        self.contrast = contrast or Contrast()
        sizes = np.bincount(taxonomy.depths)
        self.theta = nn.Parameter(-torch.tensor(sizes, dtype=torch.float32).log())  # (D + 1,), by depth
        self.keep(
            above=_ancestors_upwards(taxonomy),
            starts=taxonomy.preorder_start,
            ends=taxonomy.preorder_end,
            out_counts=_shares(self.contrast.out_ratio, len(sizes)),
            in_counts=_shares(self.contrast.in_ratio, len(sizes)),
        )
        # (first, last) levels of a window around the anchor's depth; published is the one above it, or the top level.
        reach = (-1, 1) if self.contrast.window == "around" else (-1, -1)
        self.reach = reach
        self.may_overflow = int(sizes.max()) * (reach[1] - reach[0] + 1) > self.contrast.negatives

    def loss(self, scores: Scores, targets: Tensor | Targets) -> Tensor:
        """Mean over the images of the weighted sum of their contrasts, or of -log P(everything else) for `is_not`."""
        targets = as_targets(targets)
        excluded = targets.kinds == IS_NOT
        contrasts, weights = self._contrasts(targets.nodes, ~excluded)
        families, levels = self._families(targets.nodes, excluded)
        needed = contrasts.candidates.any(0) | families.candidates.any(0)
        if not needed.any():  # every label is the root
            return weighted_mean(0 * scores.embedding.float().sum(1), targets.weights)
        texts = _unit(self.towers.embed_texts(self.tokens[needed]))
        similarities = self._similarities(scores.embedding, texts)
        columns = _Columns(similarities, needed)
        crossed = weights * (columns.log_sums(contrasts) - columns.right(contrasts))
        losses = torch.zeros_like(similarities[:, 0]).index_add(0, contrasts.images, crossed.to(similarities.dtype))
        if excluded.any():
            losses = torch.where(excluded, _complement(columns, families, levels, self.taxonomy.depth), losses)
        return weighted_mean(losses, targets.weights)

    def _contrasts(self, nodes: Tensor, chosen: Tensor) -> tuple[_Rows, Tensor]:
        """The contrasts of the chosen images, and (R,) their weights."""
        steps = torch.arange(self.taxonomy.depth, device=nodes.device)
        depth, positives = self.depths[nodes], self.above[nodes]
        outer = steps < self.out_counts[depth, None]
        inner = steps < self.in_counts[self.depths[positives], None]
        images, up, further = (outer[:, :, None] & inner & chosen[:, None, None]).nonzero(as_tuple=True)
        right = positives[images, up]
        weights = (
            self._layer_weights(self.out_counts)[depth[images], up]
            * self._layer_weights(self.in_counts)[self.depths[right], further]
        )
        candidates = self._negatives(right, self.depths[right] - further)
        if self.may_overflow:
            candidates = self._some_of(candidates, nodes)
        candidates[torch.arange(len(right), device=nodes.device), right] = True
        return _Rows(images, right, candidates), weights

    def _layer_weights(self, counts: Tensor) -> Tensor:
        """(D + 1, D): [d, i] weighs the node i levels above one at depth d, among the counts[d] lowest of its path."""
        steps = torch.arange(self.taxonomy.depth, device=counts.device)
        if self.contrast.weighting == "learned":
            depths = torch.arange(len(counts), device=counts.device)[:, None]
            scores = self.theta[(depths - steps).clamp(min=0)]
        else:
            rank = steps + 1 if self.contrast.weighting == "increasing" else torch.ones_like(steps)
            scores = rank.to(self.theta.dtype).log().expand(len(counts), -1)
        return scores.masked_fill(steps >= counts[:, None], torch.finfo(scores.dtype).min).softmax(1)

    def _negatives(self, right: Tensor, depth: Tensor) -> Tensor:
        """(R, N) bool: the nodes in the window around an anchor at `depth` that are neither above nor below `right`."""
        first = (depth + self.reach[0]).clamp(min=1)[:, None]
        last = (depth + self.reach[1]).clamp(min=1)[:, None]
        start, end = self.starts[right, None], self.ends[right, None]
        is_above = (self.starts <= start) & (start < self.ends)
        is_below = (start <= self.starts) & (self.starts < end)
        return (first <= self.depths) & (self.depths <= last) & ~is_above & ~is_below

    def _some_of(self, candidates: Tensor, nodes: Tensor) -> Tensor:
        """At most `negatives` of each row, by one random order that follows from the seed and the batch's labels."""
        random = np.random.default_rng([self.contrast.seed, *nodes.tolist()])
        order = torch.as_tensor(random.permutation(candidates.shape[1]), device=candidates.device)
        shuffled = candidates[:, order]
        shuffled &= shuffled.cumsum(1, dtype=torch.int32) <= self.contrast.negatives
        return shuffled[:, order.argsort()]

    def _families(self, nodes: Tensor, excluded: Tensor) -> tuple[_Rows, Tensor]:
        """For each excluded image and level of its node's path the node there among its sisters; (R,) the levels."""
        paths = self.paths[nodes]
        images, levels = ((paths > 0) & excluded[:, None]).nonzero(as_tuple=True)
        right = paths[images, levels]
        return _Rows(images, right, self.parents == self.parents[right, None]), levels

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The towers, slowly where they were pretrained; temperature and layer weights without weight decay."""
        factor = RANDOM_LR_FACTOR if self.towers.is_random else PRETRAINED_LR_FACTOR
        scale = self.towers.clip.logit_scale
        towers = [parameter for parameter in self.towers.parameters() if parameter is not scale]
        return [
            {"params": towers, "lr_factor": factor},
            {"params": [scale], "lr_factor": factor, "weight_decay": 0.0},
            {"params": [self.theta], "lr_factor": LAYER_LR_FACTOR, "weight_decay": 0.0},
        ]

    def optimizer(self, config: RunConfig) -> torch.optim.Optimizer:
        """AdamW, as published."""
        return torch.optim.AdamW(self.parameter_groups(), lr=config.lr, weight_decay=config.weight_decay)


class _Columns:
    """(B, K) similarities of the K nodes that a step needs. needed: (N,) bool, which they are."""

    def __init__(self, similarities: Tensor, needed: Tensor) -> None:
        self.similarities, self.needed = similarities, needed
        self.place = needed.cumsum(0) - 1
        self.nothing = torch.finfo(similarities.dtype).min / 4  # as good as minus infinity, and free of inf - inf

    def right(self, rows: _Rows) -> Tensor:
        """(R,): of the node that it is."""
        return self.similarities[rows.images, self.place[rows.right]]

    def log_sums(self, rows: _Rows) -> Tensor:
        """(R,): log of the summed exp of the candidates."""
        inside = rows.candidates[:, self.needed]
        return self.similarities[rows.images].masked_fill(~inside, self.nothing).logsumexp(1)


def _complement(columns: _Columns, families: _Rows, levels: Tensor, depth: int) -> Tensor:
    """-log(1 - P(node)), (B,): the path is left at one of its levels, and was kept to before. Exact near P = 1."""
    others = families.candidates.clone()
    others[torch.arange(len(levels), device=levels.device), families.right] = False
    total = columns.log_sums(families)
    places = (families.images, levels)
    empty = columns.similarities.new_zeros(len(columns.similarities), depth)
    stays = empty.index_put(places, columns.right(families) - total)
    leaves = (empty + columns.nothing).index_put(
        places, columns.log_sums(_Rows(families.images, families.right, others)) - total
    )
    return -(stays.cumsum(1) - stays + leaves).logsumexp(1)


# --- the tree as arrays -----------------------------------------------------------------------------------------------


def prompts(taxonomy: Taxonomy, prompt: str) -> list[str]:
    """What is said of each node: `prompt` with its name, and what it is a kind of below the top level."""
    names = [taxonomy.name(node).replace("_", " ") for node in range(len(taxonomy))]
    kinds = [f", a kind of {names[parent]}." if parent > 0 else "." for parent in taxonomy.parents]
    return [prompt.replace("{}", name) + kind for name, kind in zip(names, kinds, strict=True)]


def _ancestors_upwards(taxonomy: Taxonomy) -> IntArray:
    """(N, D): [i, k] is the node k levels above i, 0 from the root on."""
    table = np.zeros((len(taxonomy), taxonomy.depth), dtype=np.int64)
    table[:, 0] = np.arange(len(taxonomy))
    for step in range(1, taxonomy.depth):
        table[:, step] = np.maximum(taxonomy.parents[table[:, step - 1]], 0)
    return table


def _shares(ratio: float, depths: int) -> list[int]:
    """For paths of 0, 1, 2, … nodes how many of them are taken: the ratio, rounded up, and at least one."""
    return [0, *(max(1, math.ceil(ratio * length - 1e-9)) for length in range(1, depths))]


def _unit(vectors: Tensor) -> Tensor:
    """Rows at length 1, in float32 at least."""
    full = vectors.float() if vectors.dtype in (torch.float16, torch.bfloat16) else vectors
    return nn.functional.normalize(full, dim=-1)


def _without_autocast(like: Tensor) -> AbstractContextManager:
    """Half precision would round a cosine times 100 to the nearest quarter."""
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


# --- the catalog's entries --------------------------------------------------------------------------------------------


def build(taxonomy: Taxonomy, trunk: ClipTowers, config: RunConfig) -> HgrNet:
    """The model of the catalog's entry `hgrnet`. Raises BadConfig where the prompt has no place for the name."""
    options = chosen_options(config)
    names = ("out_ratio", "in_ratio", "window", "weighting")
    contrast = Contrast(**cast(dict[str, Any], {name: options[name] for name in names}), seed=config.seed)
    return HgrNet(taxonomy, trunk, prompt=_prompt(options), contrast=contrast)


def build_zero_shot(taxonomy: Taxonomy, trunk: ClipTowers, config: RunConfig) -> ClipZeroShot:
    """The model of the catalog's entry `clip_zero_shot`. Raises BadConfig as `build` does."""
    return ClipZeroShot(taxonomy, trunk, prompt=_prompt(chosen_options(config)))


def _prompt(options: dict[str, Any]) -> str:
    prompt = str(options["prompt"])
    if "{}" not in prompt:
        raise BadConfig(f"the prompt {prompt!r} has no {{}}", remedy="put {} where the name of the class belongs")
    return prompt
