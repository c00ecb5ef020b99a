"""What a picture is near to: the labelled pictures most like it, over all and per level of the model's answer."""

import functools

import streamlit as st

from app import resources, state
from app.components import level_names, wording
from app.components.gallery import near
from app.components.gallery.near import Row, Tile
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import taxonomies
from hmgc_core.workflow.neighbours import LabelledPicture, LevelNeighbours, Neighbours, neighbours
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.workspaces import Workspace

# Cosine distances up to which a word is said; beyond the last, pictures have nothing in common.
NEARNESS = ((0.05, "nearly the same"), (0.2, "very alike"), (0.5, "alike"), (0.9, "a little alike"))
FAR = "not alike"
MOST_NAMED = 2


def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The labelled pictures nearest to this one; or why there are none, and what to do."""
    st.subheader("Labelled pictures like this one")
    table = resources.prediction_table(ws, run.id)
    found = neighbours(ws, run.id, table, view.image.id)
    if found is None:
        st.info(
            f"Run {run.id} kept nothing to compare this picture by. Train again, then it can.", icon=":material/info:"
        )
        return
    if not found.labelled:
        st.info("None of the pictures that this run has seen is labelled yet.", icon=":material/info:")
        st.page_link("pages/annotate.py", label="Label some", icon=":material/edit:")
        return
    _remark(ws, run)
    rows = [Row("Nearest of all", _agreement(found.overall), _tiles(table.taxonomy, found, found.overall))]
    rows += [_level_row(table.taxonomy, found, level, view) for level in found.levels]
    note = (
        f"How near pictures are is how run {run.id} sees them: {wording.number(found.labelled, 'labelled picture')} "
        "compared. Labels of test pictures stay out of sight. =\u00a0the model's answer, "
        "≠\u00a0another class, –\u00a0a coarser label."
    )
    key = f"near-{run.id}-{view.image.id}"
    near.show(rows, note=note, key=key, on_open=functools.partial(state.choose, state.IMAGE))


def _remark(ws: Workspace, run: Run) -> None:
    newest = taxonomies.newest_taxonomy(ws)
    if newest and newest[0] != run.taxonomy:
        st.caption(
            ":material/history: This run knows an earlier version of the class tree: labels in classes made since "
            "are not among these. A new training would know them."
        )


def _agreement(tiles: tuple[LabelledPicture, ...]) -> str:
    """How many of these pictures carry the answer's label, in words."""
    agree, other = (sum(tile.agrees is word for tile in tiles) for word in (True, False))
    parts = [f"{agree} of {len(tiles)} carry the model's answer"]
    if other:
        parts.append(f"{other} another class")
    if len(tiles) - agree - other:
        parts.append(f"{len(tiles) - agree - other} a coarser label on the way to it")
    return ", ".join(parts)


def _level_row(taxonomy: Taxonomy, found: Neighbours, level: LevelNeighbours, view: ImageView) -> Row:
    name = taxonomy.name(level.node)
    said = view.levels[level.level - 1]
    where = level_names.level_name(level.level, taxonomy.depth)
    return Row(
        title=f"{where}: {name}, {wording.percent(said.probability)} sure",
        told=f"{_share(level)} labelled down to here {'is' if level.agreeing == 1 else 'are'} {name}",
        tiles=_tiles(taxonomy, found, level.nearest),
        other_title=_rival_title(taxonomy, level),
        other=_tiles(taxonomy, found, level.of_rival),
    )


def _share(level: LevelNeighbours) -> str:
    if level.agreeing in (0, level.counted):
        return f"{'All' if level.agreeing else 'None'} of the {level.counted} nearest"
    return f"{level.agreeing} of the {level.counted} nearest"


def _rival_title(taxonomy: Taxonomy, level: LevelNeighbours) -> str:
    if level.rival < 0:
        return ""
    name = taxonomy.name(level.rival)
    if level.rival_share is None:
        return f"The nearest of another class: {name}"
    share = wording.percent(level.rival_share)
    if taxonomy.is_leaf[level.rival]:
        return f"The model's next thought: {name}, {share}"
    # Of an inner class only the answers that are kept are known, so it may hold more. "At least <1%" tells nothing.
    return f"The model's next thought: {name}{'' if share.startswith('<') else f', at least {share}'}"


def _tiles(taxonomy: Taxonomy, found: Neighbours, pictures: tuple[LabelledPicture, ...]) -> list[Tile]:
    return [
        Tile(
            image_id=picture.image_id,
            name=taxonomy.name(picture.label),
            agrees=picture.agrees,
            by=_names(found.by.get(picture.image_id, ())),
            near=_nearness(picture.distance),
            exact=f"cosine distance {picture.distance:.2f}",
        )
        for picture in pictures
    ]


def _names(people: tuple[str, ...]) -> str:
    """Who says so: two names, and how many more."""
    more = len(people) - MOST_NAMED
    named = list(people[:MOST_NAMED]) + ([f"{more} more"] if more > 0 else [])
    return f"by {' and '.join(named)}" if len(named) < 3 else f"by {', '.join(named[:-1])} and {named[-1]}"


def _nearness(distance: float) -> str:
    return next((word for most, word in NEARNESS if distance <= most), FAR)
