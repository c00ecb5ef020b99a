"""The graphs that a net drew between the patches of one picture, as plain values that travel as JSON.

`learning.graph_view` finds them, the Predictions page and `patch_figure` draw them. No torch.
"""

import base64
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import NoGraph
from hmgc_core.taxonomy import IntArray

# What an older page or inspector would not understand gets another number.
FORMAT = 1
NO_PATCH = -1


@dataclass(frozen=True)
class Neighbour:
    """One patch, or field of patches, that a patch is connected with. rank: 1 is the nearest."""

    rank: int
    candidate: int
    similarity: float


@dataclass(frozen=True)
class BlockGraph:
    """One block: the graph it built itself, and where it found evidence for each of K classes.

    number: counted from 1. grid: (h, w) patches, numbered row by row. candidate_grid: (h', w'), what a patch can be
    connected with: with pooling 1 the patches themselves, else means of pooling x pooling of them.
    neighbours: (h*w, k) int candidates of each patch, in the block's own order, the nearest first.
    similarity: (h*w, k) in [-1, 1], the cosine between the features of a patch and of each neighbour.
    heat: (K, h, w) in [0, 1], 1 at its hottest patch; all 0 where nothing speaks for the class.
    stars: (K,) the hottest patch, the first of equal ones; NO_PATCH where nothing speaks for the class.
    """

    number: int
    grid: tuple[int, int]
    candidate_grid: tuple[int, int]
    pooling: int
    neighbours: IntArray
    similarity: NDArray[np.float32]
    heat: NDArray[np.float32]
    stars: tuple[int, ...]

    def connected(self, patch: int) -> list[Neighbour]:
        """What a patch is connected with, the nearest first; not itself, which the graph counts among them."""
        pairs = zip(self.neighbours[patch].tolist(), self.similarity[patch].tolist(), strict=True)
        others = [(candidate, alike) for candidate, alike in pairs if self.pooling > 1 or candidate != patch]
        return [Neighbour(rank, candidate, alike) for rank, (candidate, alike) in enumerate(others, 1)]

    def place(self, patch: int) -> tuple[float, float, float, float]:
        """Left, top, width and height of a patch, in shares of the picture."""
        height, width = self.grid
        return patch % width / width, patch // width / height, 1 / width, 1 / height

    def candidate_place(self, candidate: int) -> tuple[float, float, float, float]:
        """The same of what a patch is connected with; at the right and lower edge it may be cut off."""
        (height, width), row = self.grid, candidate // self.candidate_grid[1]
        top, left = row * self.pooling, candidate % self.candidate_grid[1] * self.pooling
        tall, wide = min(self.pooling, height - top), min(self.pooling, width - left)
        return left / width, top / height, wide / width, tall / height


@dataclass(frozen=True)
class PatchGraph:
    """All blocks of a net for one picture. nodes: the keys of the K classes. shown: numbers of the blocks to show."""

    nodes: tuple[str, ...]
    blocks: tuple[BlockGraph, ...]
    shown: tuple[int, ...]

    def block(self, number: int) -> BlockGraph:
        """The block of this number, counted from 1. Raises NoGraph where there is none."""
        if not 1 <= number <= len(self.blocks):
            raise NoGraph(
                f"there is no block {number}", remedy=f"this backbone has {len(self.blocks)}: choose 1 to that"
            )
        return self.blocks[number - 1]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; similarity and heat are rounded to a hundredth and a 255th."""
        return {
            "format": FORMAT,
            "nodes": list(self.nodes),
            "shown": list(self.shown),
            "blocks": [_block_to_json(block) for block in self.blocks],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The graph of `to_json`. Raises NoGraph for one of another version of the program."""
        if values.get("format") != FORMAT:
            raise NoGraph("the graph was made by another version of this program", remedy="ask for it again")
        blocks = tuple(_block_from_json(block, len(values["nodes"])) for block in values["blocks"])
        return cls(tuple(values["nodes"]), blocks, tuple(values["shown"]))


def _block_to_json(block: BlockGraph) -> dict[str, Any]:
    # On the published nets' pictures there are 196 candidates: a byte each, in most cases.
    wide = block.candidate_grid[0] * block.candidate_grid[1] > 256
    return {
        "number": block.number,
        "grid": list(block.grid),
        "candidates": list(block.candidate_grid),
        "pooling": block.pooling,
        "k": block.neighbours.shape[1],
        "bytes": 4 if wide else 1,
        "neighbours": _packed(block.neighbours, "<u4" if wide else "u1"),
        "similarity": _packed(np.rint(block.similarity * 100), "i1"),
        "heat": _packed(np.rint(block.heat * 255), "u1"),
        "stars": list(block.stars),
    }


def _block_from_json(values: dict[str, Any], classes: int) -> BlockGraph:
    (height, width), k = values["grid"], values["k"]
    neighbours = _unpacked(values["neighbours"], "<u4" if values["bytes"] == 4 else "u1").reshape(height * width, k)
    similarity = _unpacked(values["similarity"], "i1").reshape(height * width, k)
    heat = _unpacked(values["heat"], "u1").reshape(classes, height, width)
    return BlockGraph(
        number=values["number"],
        grid=(height, width),
        candidate_grid=(values["candidates"][0], values["candidates"][1]),
        pooling=values["pooling"],
        neighbours=neighbours.astype(np.int64),
        similarity=(similarity / 100).astype(np.float32),
        heat=(heat / 255).astype(np.float32),
        stars=tuple(values["stars"]),
    )


def _packed(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()


def _unpacked(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=kind)
