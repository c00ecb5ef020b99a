"""Labellings: named sets of training labels. One is written once and never changed, so that a run can name it."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from hmgc_core.leading import read_on
from hmgc_core.records import Labelling
from hmgc_core.store.schema import labelling, labelling_label, node, now
from hmgc_core.store.taxonomies import moves_after


def add(
    connection: sa.Connection,
    name: str,
    labels: Mapping[int, str],
    *,
    protocol: str,
    settings: dict[str, Any],
    taxonomy_id: int,
) -> None:
    """Store a labelling. labels: image id -> key of a class in the version `taxonomy_id`."""
    values = {"name": name, "protocol": protocol, "settings": settings, "taxonomy_id": taxonomy_id}
    inserted = connection.execute(
        labelling.insert().values(**values, labels=len(labels), created_at=now())
    ).inserted_primary_key
    assert inserted is not None
    rows = [{"labelling_id": inserted[0], "image_id": image_id, "node_key": key} for image_id, key in labels.items()]
    if rows:
        connection.execute(labelling_label.insert(), rows)


def get(connection: sa.Connection, name: str) -> Labelling | None:
    """The labelling of this name."""
    row = connection.execute(sa.select(labelling).where(labelling.c.name == name)).first()
    return Labelling(**row._mapping) if row else None


def all_labellings(connection: sa.Connection) -> list[Labelling]:
    """Every labelling, the newest first."""
    rows = connection.execute(sa.select(labelling).order_by(labelling.c.id.desc()))
    return [Labelling(**row._mapping) for row in rows]


def labels(connection: sa.Connection, labelling_id: int, version: int) -> dict[int, str]:
    """image id -> key that its label leads to in the version `version` of the tree, whether that has it or not."""
    made_in = sa.select(labelling.c.taxonomy_id).where(labelling.c.id == labelling_id)
    steps = moves_after(connection, connection.execute(made_in).scalar_one(), version)
    query = sa.select(labelling_label).where(labelling_label.c.labelling_id == labelling_id)
    return {row.image_id: _lead(row.node_key, steps) for row in connection.execute(query)}


def used_keys(connection: sa.Connection, labelling_id: int | None = None) -> dict[str, int]:
    """key -> labels that lead to it in the newest version of the tree; of one labelling, or of all."""
    grouped = (
        sa.select(labelling.c.taxonomy_id, labelling_label.c.node_key, sa.func.count().label("labels"))
        .join(labelling, labelling.c.id == labelling_label.c.labelling_id)
        .group_by(labelling.c.taxonomy_id, labelling_label.c.node_key)
    )
    if labelling_id is not None:
        grouped = grouped.where(labelling.c.id == labelling_id)
    rows = connection.execute(grouped).all()
    steps = {version: moves_after(connection, version) for version in {row.taxonomy_id for row in rows}}
    used: dict[str, int] = {}
    for row in rows:
        key = _lead(row.node_key, steps[row.taxonomy_id])
        used[key] = used.get(key, 0) + row.labels
    return used


def damage(connection: sa.Connection) -> list[str]:
    """Labellings that have lost labels, or whose labels name a class that their tree never had."""
    counted = (
        sa.select(
            labelling.c.name,
            labelling.c.labels,
            sa.func.count(labelling_label.c.image_id).label("there"),
            (sa.func.count(labelling_label.c.image_id) - sa.func.count(node.c.key)).label("strange"),
        )
        .outerjoin(labelling_label, labelling_label.c.labelling_id == labelling.c.id)
        .outerjoin(node, (node.c.taxonomy_id == labelling.c.taxonomy_id) & (node.c.key == labelling_label.c.node_key))
        .group_by(labelling.c.id, labelling.c.name, labelling.c.labels)
    )
    found = []
    for row in connection.execute(counted):
        if row.there != row.labels:
            found.append(f"the labelling {row.name!r} was made with {row.labels} labels and has {row.there}")
        if row.strange:
            found.append(f"{row.strange} labels of the labelling {row.name!r} name a class that its tree does not have")
    return found


def _lead(key: str, steps: list) -> str:
    reading = read_on("is", key, steps)
    return reading.key if reading else key
