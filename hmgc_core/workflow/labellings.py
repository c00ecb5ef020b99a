"""Verbs on labellings: make the training labels coarser by a protocol and keep them under a name; list them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from hmgc_core import relabelling
from hmgc_core.errors import BadRequest, NotTrainable
from hmgc_core.records import ImageRecord, Labelling, OnProgress, quiet
from hmgc_core.store import labellings
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow import hardness
from hmgc_core.workflow.taxonomies import current_taxonomy
from hmgc_core.workflow.training import agreed_labels

Protocol = Literal["hrn", "free", "ambiguous"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
LONGEST_NAME = 80


@dataclass(frozen=True)
class Relabelled:
    """What was made. labels: pictures in it; coarser: of them with a coarser label than before; by_level: level ->
    labels there, 1 is the top level. hardness: where the order of the pictures came from, "" where it needs none.
    """

    name: str
    protocol: str
    labels: int
    coarser: int
    by_level: dict[int, int]
    hardness: str


def all_labellings(ws: Workspace) -> list[Labelling]:
    """Every labelling, the newest first."""
    with ws.reading() as connection:
        return labellings.all_labellings(connection)


def labels_by_level(ws: Workspace, labelling: Labelling) -> list[int]:
    """How many of its labels stand at each level of the tree in use, the root first."""
    _, taxonomy = current_taxonomy(ws)
    with ws.reading() as connection:
        used = labellings.used_keys(connection, labelling.id)
    counts = [0] * (taxonomy.depth + 1)
    for key, count in used.items():
        if key in taxonomy:
            counts[taxonomy.depths[taxonomy.index(key)]] += count
    return counts


def relabel(
    ws: Workspace,
    *,
    name: str,
    protocol: str,
    coarse: Sequence[float],
    seed: int = 0,
    run: int | None = None,
    on_progress: OnProgress = quiet,
) -> Relabelled:
    """Make a labelling from the labels that the training pictures have now; those stay as they are.

    coarse: the share of each finest class that becomes coarser, for `free` and `ambiguous` in equal parts over the
    levels above; or one share for each of these levels, the nearest first. run: a finished run whose predictions say
    which pictures are hard (`ambiguous`); without one the pictures with the least detail are.

    Raises BadRequest for a name that is taken, an unknown protocol or shares that are none; NotTrainable where there
    are no labels; UnknownRun.
    """
    _check(ws, name, protocol, coarse, run)
    version, taxonomy = current_taxonomy(ws)
    records, nodes = agreed_labels(ws, taxonomy, version, split="train")
    if not len(nodes):
        raise NotTrainable("no training picture has a label", remedy="label some, or import labels, first")
    made, why = _coarser(ws, taxonomy, records, nodes, protocol, coarse, seed, run, on_progress)
    keys = {record.id: taxonomy.keys[node] for record, node in zip(records, made, strict=True)}
    settings = {"coarse": list(coarse), "seed": seed, "run": run, "hardness": why}
    with ws.writing() as connection:
        if labellings.get(connection, name):
            raise _taken(name)
        labellings.add(connection, name, keys, protocol=protocol, settings=settings, taxonomy_id=version)
    levels = Counter(int(level) for level in taxonomy.depths[made])
    return Relabelled(name, protocol, len(keys), int((made != nodes).sum()), dict(sorted(levels.items())), why)


def _check(ws: Workspace, name: str, protocol: str, coarse: Sequence[float], run: int | None) -> None:
    if protocol not in PROTOCOLS:
        raise BadRequest(f"there is no protocol {protocol!r}", remedy=f"choose one of {', '.join(PROTOCOLS)}")
    if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(
            f"{name[:LONGEST_NAME]!r} is no name for a labelling",
            remedy=f"give 1 to {LONGEST_NAME} letters, without blanks at the ends",
        )
    if not coarse or not all(0 <= share <= 1 for share in coarse) or sum(coarse) > 1 + 1e-9:
        raise BadRequest(
            f"the share of coarse labels is {', '.join(f'{share:g}' for share in coarse) or 'missing'}",
            remedy="give a share from 0 to 1, or several that sum to at most 1",
        )
    if protocol == "hrn" and len(coarse) > 1:
        raise BadRequest("the protocol hrn takes labels up by one level only", remedy="give one share, or take `free`")
    if run is not None and protocol != "ambiguous":
        raise BadRequest(f"the protocol {protocol} asks no run", remedy="leave --run away, or take `ambiguous`")
    with ws.reading() as connection:
        if labellings.get(connection, name):
            raise _taken(name)


def _taken(name: str) -> BadRequest:
    return BadRequest(
        f"there is a labelling {name!r} already, and runs may name it", remedy="choose another name; it stays as it is"
    )


def _coarser(
    ws: Workspace,
    taxonomy: Taxonomy,
    records: list[ImageRecord],
    nodes: IntArray,
    protocol: str,
    coarse: Sequence[float],
    seed: int,
    run: int | None,
    on_progress: OnProgress,
) -> tuple[IntArray, str]:
    """((n,) nodes, where the hardness came from)."""
    if protocol == "hrn":
        return relabelling.hrn(taxonomy, nodes, coarse=coarse[0]), ""
    several = (1.0 - sum(coarse), *coarse) if len(coarse) > 1 else relabelling.even_shares(taxonomy, coarse[0])
    shares = [max(0.0, share) for share in several]  # 1 - (0.4 + 0.6) may be a hair below 0
    if protocol == "free":
        return relabelling.free(taxonomy, nodes, shares=shares, seed=seed), ""
    if run is not None:
        hard, why = hardness.by_run(ws, run, taxonomy, records, nodes), f"1 - probability of the class, by run {run}"
    else:
        hard = hardness.by_detail(records, np.asarray(taxonomy.is_leaf[nodes]), on_progress=on_progress)
        why = f"little detail: mean gradient energy at {hardness.SIDE} pixels"
    return relabelling.ambiguous(taxonomy, nodes, hard, shares=shares), why
