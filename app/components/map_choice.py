"""The map itself: by what it is coloured, and the pictures inside the line that was drawn around some of them."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import resources, state
from app.components import gallery_pages, level_names, link_notice, selection_form
from app.components.gallery import index as gallery
from app.components.picture_map import index as picture_map
from app.components.picture_map.index import Choice, Chosen
from app.components.wording import number
from hmgc_core.records import Run
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow import map_colours, picture_maps, seeing
from hmgc_core.workflow.map_colours import OF_A_LEVEL, WAYS, By, Colouring
from hmgc_core.workflow.picture_maps import MOST_CORNERS, PictureMap
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.workspaces import Workspace

WORDS: dict[By, str] = {
    "answer": "What the model says",
    "label": "What people say",
    "verdict": "Right or wrong",
    "sureness": "How sure the model is",
    "labelled": "Labelled or not",
}
PER_PAGE = 60


def _by() -> By:
    """By what the points are coloured, as the address says."""
    chosen = state.chosen(state.MAP_COLOUR)
    return next((way for way in WAYS if way == chosen), WAYS[0])


def _level(taxonomy: Taxonomy) -> int:
    """The level whose classes are coloured, 1 = top, as the address says."""
    return max(1, min(state.chosen_number(state.MAP_LEVEL) or 1, taxonomy.depth))


def _choice(taxonomy: Taxonomy, by: By, level: int) -> Choice:
    """What there is to choose from; no level where it has no meaning."""
    depths = range(1, taxonomy.depth + 1) if by in OF_A_LEVEL else ()
    levels = [(str(depth), level_names.level_name(depth, taxonomy.depth)) for depth in depths]
    return Choice(tuple(WORDS.items()), by, levels, str(level))


def _choose_colour(by: str, level: str) -> None:
    """Rows of the legend mean something else under another colour: a line around some now holds all inside."""
    state.choose(state.MAP_ONLY, "")
    state.choose(state.MAP_COLOUR, by)
    if level:
        state.choose(state.MAP_LEVEL, level)


@st.fragment
def show(ws: Workspace, run: Run, made: PictureMap) -> None:
    """The map, then the pictures somebody drew a line around: another colour or line redraws only this."""
    table = resources.prediction_table(ws, run.id)
    link_notice.leave_out({state.MAP_LEVEL: link_notice.is_level(table.taxonomy.depth)})
    by, level = _by(), _level(table.taxonomy)
    coloured = resources.map_colouring(ws, made, by, level)
    chosen = _chosen(len(coloured.tones))
    picture_map.show(
        made.task,
        map_colours.leave_codes(ws, made.task, coloured.codes),
        coloured.tones,
        choice=_choice(table.taxonomy, by, level),
        on_colour=_choose_colour,
        chosen=chosen,
        on_open=_open,
        on_choose=_choose,
    )
    _follow(run)
    if chosen is None:
        st.caption("Draw around some points to see their pictures here.")
    else:
        _gallery(run, table, _inside(made, coloured, chosen), chosen)


def _follow(run: Run) -> None:
    """Go to the picture that was clicked just now, if one was."""
    opened = st.session_state.pop(state.MAP_OPENED, None)
    if opened is not None:
        st.switch_page("pages/predictions.py", query_params={"image": str(opened), "run": str(run.id)})


def _open(image_id: int) -> None:
    st.session_state[state.MAP_OPENED] = image_id


def _choose(chosen: Chosen) -> None:
    state.choose(state.MAP_LASSO, ".".join(map(str, chosen.corners)))
    state.choose(state.MAP_ONLY, ".".join(map(str, chosen.only)) if chosen.corners else "")


def _chosen(rows: int) -> Chosen | None:
    """The line and the rows of the legend that the address tells; None where it tells no line."""
    corners = _numbers(state.chosen(state.MAP_LASSO), below=picture_maps.EDGE + 1)
    if len(corners) < 6 or len(corners) % 2 or len(corners) > 2 * MOST_CORNERS:
        return None
    return Chosen(corners, _numbers(state.chosen(state.MAP_ONLY), below=rows))


def _numbers(text: str, *, below: int) -> tuple[int, ...]:
    """The whole numbers of `12.5.7`; none at all where one of them cannot be."""
    words = text.split(".") if text else []
    if not all(word.isascii() and word.isdecimal() and len(word) < 7 and int(word) < below for word in words):
        return ()
    return tuple(map(int, words))


def _inside(made: PictureMap, coloured: Colouring, chosen: Chosen) -> NDArray[np.int64]:
    """Ids of the pictures inside the line, of the chosen rows of the legend, those that were taken out left out."""
    keep = picture_maps.inside(made.places, np.array(chosen.corners, dtype=np.int64).reshape(-1, 2))
    keep &= np.isin(coloured.codes, chosen.only) if chosen.only else coloured.codes != map_colours.GONE
    return made.images[keep]


def _gallery(run: Run, table: PredictionTable, ids: NDArray[np.int64], chosen: Chosen) -> None:
    st.subheader(f"{number(len(ids), 'picture')} inside the line")
    if not len(ids):
        st.caption("No picture lies inside this line. Draw around some points.")
        return
    rows: IntArray = np.searchsorted(table.image_ids, ids)
    # Another line begins at its own first page.
    key = f"{state.MAP_PAGE}.{run.id}.{hash(chosen)}"
    page = gallery_pages.pager(key, len(ids), PER_PAGE)
    cards = seeing.cards(table, rows[(page - 1) * PER_PAGE : page * PER_PAGE])
    gallery.show(
        cards,
        key=f"{state.MAP_PAGE}.gallery",
        on_open=_open,
        marks="map",
        link={"run": str(run.id)},
        tree=table.taxonomy,
        on_save=lambda: selection_form.ask(len(ids), ids.tolist),
    )
    _follow(run)
