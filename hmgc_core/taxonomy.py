"""The class tree as one frozen value: a parent array in topological order, and what follows from it.

Nodes are 0..N-1, parents come before their children, node 0 is the root. Keys are the stable text ids that files and
the database hold; indices live only inside one taxonomy.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import TaxonomyError, UnknownNode

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ADDED_ROOT = "root"


@dataclass(frozen=True)
class NodeText:
    """What people read about a node. `name` may be empty: then the key's last part is shown."""

    name: str = ""
    synonyms: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, eq=False)
class Taxonomy:
    """A rooted tree of N classes, ragged depth and single-child chains included.

    keys: N distinct texts. parents: (N,) int, `parents[0] == -1` and `parents[i] < i`. texts: key -> NodeText, may
    leave keys out. Build one with `from_edges` or `from_paths`, which check and order their input.
    """

    keys: tuple[str, ...]
    parents: IntArray
    texts: Mapping[str, NodeText] = field(default_factory=dict)

    @classmethod
    def from_edges(cls, edges: Iterable[tuple[str, str]], texts: Mapping[str, NodeText] | None = None) -> Self:
        """Build from (child, parent) pairs in any order; an identical pair twice is harmless.

        A parent that is nobody's child is a top node; several top nodes get one added root. A pair with an empty
        parent names a top node. Raises TaxonomyError on no edge, an empty child key, two parents or a cycle.
        """
        parent_of: dict[str, str] = {}
        for child, parent in edges:
            if not child:
                raise TaxonomyError("a class has an empty key", remedy="give every row a child key")
            known = parent_of.setdefault(child, parent)
            if known != parent:
                raise TaxonomyError(
                    f"{child!r} has two parents, {known!r} and {parent!r}",
                    remedy="give one of them another key, or remove one row",
                )
        if not parent_of:
            raise TaxonomyError("the class tree is empty", remedy="give at least one child,parent pair")
        return cls._from_parent_map(parent_of, texts or {})

    @classmethod
    def from_paths(cls, paths: Iterable[Sequence[str]], texts: Mapping[str, NodeText] | None = None) -> Self:
        """Build from paths of names, top level first; a node's key is its joined path, so homonyms may differ.

        Raises TaxonomyError where there is no path.
        """
        edges: dict[tuple[str, str], None] = {}  # a set that keeps its order
        names: dict[str, NodeText] = dict(texts or {})
        for path in paths:
            parent = ""
            for name in path:
                key = f"{parent}/{name}" if parent else name
                edges[key, parent] = None
                names.setdefault(key, NodeText(name=name))
                parent = key
        return cls.from_edges(edges, names)

    @classmethod
    def _from_parent_map(cls, parent_of: dict[str, str], texts: Mapping[str, NodeText]) -> Self:
        tops = [key for key, parent in parent_of.items() if not parent]
        tops += dict.fromkeys(parent for parent in parent_of.values() if parent and parent not in parent_of)
        if len(tops) == 1:
            root = tops[0]
        else:
            known = parent_of.keys() | set(tops)
            root = ADDED_ROOT
            while root in known:
                root += "_"
        children: dict[str, list[str]] = {}
        for key in tops:
            if key != root:
                children.setdefault(root, []).append(key)
        for child, parent in parent_of.items():
            if parent:
                children.setdefault(parent, []).append(child)
        keys, parents = _preorder(root, children)
        if len(keys) != len(parent_of.keys() | {root, *tops}):
            raise TaxonomyError(_describe_cycle(parent_of), remedy="remove one of these rows")
        return cls(tuple(keys), np.array(parents, dtype=np.int64), {k: texts[k] for k in keys if k in texts})

    def __len__(self) -> int:
        return len(self.keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Taxonomy) and self.content_hash == other.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)

    @cached_property
    def _index_of(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(self.keys)}

    def has_same_shape(self, other: "Taxonomy") -> bool:
        """The same classes in the same places, whatever people read for them."""
        return self.keys == other.keys and np.array_equal(self.parents, other.parents)

    def __contains__(self, key: object) -> bool:
        return key in self._index_of

    def index(self, key: str) -> int:
        """The node index of `key`. Raises UnknownNode with the three nearest keys."""
        found = self._index_of.get(key)
        if found is None:
            raise UnknownNode(key, self.keys)
        return found

    def indices(self, keys: Iterable[str]) -> IntArray:
        """(K,) int node index of each of `keys`, -1 for one that is not here."""
        return np.array([self._index_of.get(key, -1) for key in keys], dtype=np.int64)

    def name(self, node: int) -> str:
        """What people read for this node: its name, else its key (less its prefix where every key has one)."""
        key = self.keys[node]
        text = self.texts.get(key)
        if text and text.name:
            return text.name
        return (key.rsplit("/", 1)[-1] or key) if self.keys_are_prefixed else key

    @cached_property
    def keys_are_prefixed(self) -> bool:
        """Keys look like `fine/Apple`, `coarse/Apple`; then people read what stands behind the last stroke."""
        # A sign of systematic prefixes is that no node below the root goes without one.
        return len(self) > 1 and all("/" in key for key in self.keys[1:])

    def synonyms(self, node: int) -> tuple[str, ...]:
        """Other names of this node; the search finds them too."""
        text = self.texts.get(self.keys[node])
        return text.synonyms if text else ()

    def note(self, node: int) -> str:
        """A remark about this node for annotators, or an empty text."""
        text = self.texts.get(self.keys[node])
        return text.note if text else ""

    def path(self, node: int) -> list[int]:
        """Node indices from the child of the root down to `node`; empty for the root itself."""
        steps = []
        while node > 0:
            steps.append(node)
            node = int(self.parents[node])
        return steps[::-1]

    def path_keys(self, node: int) -> list[str]:
        """The keys of `path(node)`."""
        return [self.keys[i] for i in self.path(node)]

    def children(self, node: int) -> IntArray:
        """(C,) int indices of the children of `node`, in file order."""
        return self._children_sorted[self._children_start[node] : self._children_start[node + 1]]

    @cached_property
    def _children_sorted(self) -> IntArray:
        return np.argsort(self.parents, kind="stable")[1:]

    @cached_property
    def _children_start(self) -> IntArray:
        counts = np.bincount(self.parents[1:], minlength=len(self))
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def depths(self) -> IntArray:
        """(N,) int edges from the root; the root has 0."""
        depths = np.zeros(len(self), dtype=np.int64)
        for node in range(1, len(self)):
            depths[node] = depths[self.parents[node]] + 1
        return depths

    @property
    def depth(self) -> int:
        """Number of levels below the root."""
        return int(self.depths.max())

    @cached_property
    def levels(self) -> tuple[IntArray, ...]:
        """For each depth 1, 2, …: (n,) int indices of the nodes at that depth."""
        return tuple(np.flatnonzero(self.depths == depth) for depth in range(1, self.depth + 1))

    @cached_property
    def is_leaf(self) -> BoolArray:
        """(N,) bool: the node has no child."""
        mask = np.ones(len(self), dtype=bool)
        mask[self.parents[1:]] = False
        return mask

    @cached_property
    def leaves(self) -> IntArray:
        """(L,) int indices of the nodes without a child, in pre-order."""
        leaves = np.flatnonzero(self.is_leaf)
        return leaves[np.argsort(self.preorder_start[leaves])]

    @cached_property
    def preorder_start(self) -> IntArray:
        """(N,) int: place of each node in pre-order. The subtree of i is every j with start[i] <= start[j] < end[i]."""
        start = np.zeros(len(self), dtype=np.int64)
        next_free = start + 1
        for node in range(1, len(self)):
            parent = self.parents[node]
            start[node] = next_free[parent]
            next_free[node] = start[node] + 1
            next_free[parent] += self.subtree_sizes[node]
        return start

    @cached_property
    def preorder_end(self) -> IntArray:
        """(N,) int: one past the last place of the subtree of each node in pre-order."""
        return self.preorder_start + self.subtree_sizes

    @cached_property
    def subtree_sizes(self) -> IntArray:
        """(N,) int number of nodes in each subtree, the node itself included."""
        return self.sum_up(np.ones(len(self), dtype=np.int64))

    @cached_property
    def leaf_counts(self) -> IntArray:
        """(N,) int number of leaves at or below each node."""
        return self.sum_up(self.is_leaf.astype(np.int64))

    def sum_up(self, values: NDArray) -> NDArray:
        """Sum (N,) or (N, K) values over each subtree, bottom up. Returns the same shape and dtype."""
        total = values.copy()
        for nodes in self._upwards:
            np.add.at(total, self.parents[nodes], total[nodes])
        return total

    @cached_property
    def heights(self) -> IntArray:
        """(N,) int edges down from each node to its farthest leaf; a leaf has 0."""
        heights = np.zeros(len(self), dtype=np.int64)
        for nodes in self._upwards:
            np.maximum.at(heights, self.parents[nodes], heights[nodes] + 1)
        return heights

    @cached_property
    def _upwards(self) -> tuple[IntArray, ...]:
        """The nodes of each level, the deepest level first, and in each the last node first."""
        return tuple(nodes[::-1] for nodes in reversed(self.levels))

    def lca(self, a: int | IntArray, b: int | IntArray) -> IntArray:
        """The lowest common ancestor of a and b, elementwise; a node is its own ancestor."""
        a, b = (np.array(x, dtype=np.int64) for x in np.broadcast_arrays(a, b))
        while True:
            apart = a != b
            if not apart.any():
                return a
            # A parent has a smaller index than its child, so the larger of two different nodes is never the ancestor.
            a_moves, b_moves = apart & (a > b), apart & (b > a)
            a[a_moves], b[b_moves] = self.parents[a[a_moves]], self.parents[b[b_moves]]

    def is_at_or_below(self, nodes: int | IntArray, ancestors: int | IntArray) -> BoolArray:
        """Elementwise: node is the ancestor or below it. O(1) each, by pre-order intervals; -1 is below nothing."""
        nodes, ancestors = np.asarray(nodes), np.asarray(ancestors)
        start = self.preorder_start[nodes]
        inside = (self.preorder_start[ancestors] <= start) & (start < self.preorder_end[ancestors])
        return inside & (nodes >= 0) & (ancestors >= 0)

    @cached_property
    def is_ancestor(self) -> BoolArray:
        """(N, N) bool: [i, j] says i is j or an ancestor of j. N² bytes: for small trees and tests only."""
        nodes = np.arange(len(self))
        return self.is_at_or_below(nodes[None, :], nodes[:, None])

    @cached_property
    def ancestors_by_depth(self) -> IntArray:
        """(N, D) int: [i, d] is the ancestor-or-self of i at depth d + 1, or -1 where i is not that deep."""
        table = np.full((len(self), self.depth), -1, dtype=np.int64)
        for node in range(1, len(self)):
            table[node] = table[self.parents[node]]
            table[node, self.depths[node] - 1] = node
        return table

    @cached_property
    def content_hash(self) -> str:
        """sha256 of keys, parents and texts: two taxonomies with the same hash are the same."""
        rows = [
            [k, int(p), self.name(i), self.synonyms(i), self.note(i)]
            for i, (k, p) in enumerate(zip(self.keys, self.parents, strict=True))
        ]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def folded(name: str) -> str:
    """A name without regard to capitals and blanks."""
    return " ".join(name.casefold().split())


def _preorder(root: str, children: dict[str, list[str]]) -> tuple[list[str], list[int]]:
    """Keys in pre-order and the parent index of each; children keep their order."""
    keys: list[str] = []
    parents: list[int] = []
    stack = [(root, -1)]
    while stack:
        key, parent = stack.pop()
        index = len(keys)
        keys.append(key)
        parents.append(parent)
        stack += [(child, index) for child in reversed(children.get(key, ()))]
    return keys, parents


def _describe_cycle(parent_of: dict[str, str]) -> str:
    import networkx as nx  # noqa: PLC0415 - for an error only, and every process would wait for it

    graph = nx.DiGraph([(child, parent) for child, parent in parent_of.items() if parent])
    cycle = [child for child, _ in nx.find_cycle(graph)]
    shown = (
        " -> ".join(map(repr, [*cycle[:6], cycle[0]]))
        if len(cycle) <= 6
        else " -> ".join(map(repr, cycle[:6])) + " -> …"
    )
    return f"the class tree has a cycle: {shown}"
