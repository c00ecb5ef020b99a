"""Bring in pictures: files, a zip or a folder of one's own computer, or a path on the machine that runs the app.

First it is shown what would happen, then it happens.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import actions, state
from app.components import background, import_preview
from app.components.annotator import who
from app.components.background import Work
from app.components.wording import number
from hmgc_core.errors import BadRequest
from hmgc_core.exchange.data_sets import Preparation
from hmgc_core.exchange.table import Columns
from hmgc_core.given_paths import given_path
from hmgc_core.workflow import import_plan, imports, pictures
from hmgc_core.workflow.import_plan import ImportPlan
from hmgc_core.workflow.picture_sources import Upload
from hmgc_core.workflow.workspaces import Workspace

FILES, FOLDER, PATH, DATA_SET = "Files or a zip", "A folder", "A path", "A data set"
BY_PATH = PATH, DATA_SET
# As `hmgc import-images --format` calls them; the first serves anybody's folders.
FORMATS = {
    "folders": "Folders named after their classes",
    "cub": "CUB-200-2011",
    "aircraft": "FGVC-Aircraft",
    "cars": "Stanford Cars",
    "cifar100": "CIFAR-100",
    "inat2021": "iNaturalist 2021",
    "imagenet21k": "ImageNet-21k with its WordNet tree",
}
COLUMNS = {"path": "Picture file", "label": "Class", "split": "Split", "annotator": "Who labelled"}


def show(ws: Workspace, *, has_tree: bool) -> None:
    """The form of an import; while one is looked at or made, how far it is and what it would do."""
    work: Work | None = st.session_state.get(state.IMPORT_WORK)
    if work is not None and not work.is_over:
        background.show(work, stop="Stop")
        return
    if work is not None and isinstance(work.result, ImportPlan):
        import_preview.show(work.result, has_tree=has_tree, on_add=lambda: _add(ws), on_cancel=_forget)
        return
    _form(ws, has_tree=has_tree)
    made = background.follow(state.IMPORT_WORK, stop="Stop", stopped="It was stopped. Nothing of it was kept.")
    if made is not None:
        st.toast(f"The import is finished: {number(made.images, 'new picture')}.", icon=":material/check:")


def _form(ws: Workspace, *, has_tree: bool) -> None:
    way = st.segmented_control(
        "Where the pictures are",
        [FILES, FOLDER, PATH, DATA_SET],
        default=FILES,
        required=True,
        key=state.IMPORT_WAY,
        persist_state="session",
        label_visibility="collapsed",
    )
    with st.form("data.import"):
        if way == PATH:
            st.text_input(
                "Folder of pictures, zip, or table (CSV) of pictures and labels",
                key=state.IMPORT_SOURCE,
                persist_state="page",
                placeholder="/home/me/birds, /home/me/birds.zip or /home/me/birds/labels.csv",
                help="A path on the machine that runs this app. Paths inside a table are relative to it.",
            )
        elif way == DATA_SET:
            _data_set(has_tree=has_tree)
        else:
            _uploader(folder=way == FOLDER)
        if not has_tree and way != DATA_SET:
            st.caption(":material/info: Labels of a table need a class tree: import it first, then the table.")
        with st.expander("Tree, labels and copies" if way == DATA_SET else "Table columns, labels and copies"):
            _details(str(way))
        actions.show_problem(state.IMPORT_SOURCE)
        st.form_submit_button(
            "See what would happen", type="primary", icon=":material/visibility:", on_click=_look, args=(ws, str(way))
        )


def _data_set(*, has_tree: bool) -> None:
    """Where it lies unpacked, and what it is: its pictures come with labels and, if need be, with their class tree."""
    st.selectbox("What it is", list(FORMATS), format_func=FORMATS.__getitem__, key=state.IMPORT_FORMAT)
    st.text_input(
        "Folder that it lies in, unpacked",
        key=state.IMPORT_SOURCE,
        persist_state="page",
        placeholder="/home/me/birds",
        help="A path on the machine that runs this app.",
    )
    tree = "Its labels are read in your class tree" if has_tree else "Its class tree comes along"
    st.caption(
        f"{tree}. A set without validation pictures gives some of its training pictures for that. What else can be "
        "chosen, `hmgc import-images --help` tells."
    )


def _uploader(*, folder: bool) -> None:
    most = int(st.get_option("server.maxUploadSize"))
    st.file_uploader(
        "A folder of this computer"
        if folder
        else "Pictures, a zip of pictures, or both with one table (CSV) of labels",
        accept_multiple_files="directory" if folder else True,
        key=_files_key(),
    )
    st.caption(
        f"Up to {most} MB at a time; they are copied into the workspace. What is larger is given as a path, "
        "as it lies on the machine that runs this app."
    )


def _files_key() -> str:
    return f"{state.IMPORT_FILES}.{st.session_state.get(state.IMPORT_ROUND, 0)}"


def _details(way: str) -> None:
    if way != DATA_SET:
        with st.grid(4, min_column_width=150):
            for column, name in COLUMNS.items():
                st.text_input(
                    f"{name} column", value=column, key=f"{state.IMPORT_COLUMN}.{column}", persist_state="page"
                )
    else:
        st.text_input(
            "Class tree, where it has none of its own",
            key=state.IMPORT_TREE,
            placeholder="/home/me/wordnet.is_a.txt or /home/me/tree.csv",
            help="A file on the machine that runs this app.",
        )
        st.text_input(
            "Folder of list files, where they lie elsewhere",
            key=state.IMPORT_LISTS,
            help="Such as those of the authors of HRN.",
        )
    st.text_input("Labels without a name belong to", value=pictures.IMPORTER, key=state.IMPORT_BY, max_chars=60)
    if way in BY_PATH:
        st.checkbox("Copy the files into the workspace", key=state.IMPORT_COPY)
        st.caption(
            "Without copies the pictures stay where they are and must not be moved away. A zip is always copied."
        )


def _look(ws: Workspace, way: str) -> None:
    plan = actions.do(_plan_of, ws, way, at=state.IMPORT_SOURCE)
    if plan is not None:
        st.session_state[state.IMPORT_WORK] = Work("Reading pictures", plan)
        st.session_state[state.IMPORT_ROUND] = st.session_state.get(state.IMPORT_ROUND, 0) + 1


def _plan_of(ws: Workspace, way: str) -> Callable[[Callable[[int, int], None]], ImportPlan]:
    """What is to be looked at, taken from the form before it goes; the reading itself comes later."""
    annotator = st.session_state[state.IMPORT_BY].strip() or pictures.IMPORTER
    if way in BY_PATH:
        source, copy = st.session_state[state.IMPORT_SOURCE].strip(), st.session_state[state.IMPORT_COPY]
        if not source:
            wanted = "a folder" if way == DATA_SET else "a folder of pictures, a zip or a table,"
            raise BadRequest("there is nothing to add yet", remedy=f"give {wanted} first")
        path = given_path(source)
        kind = _data_set_said() if way == DATA_SET else {"columns": _columns()}
        return lambda report: import_plan.plan_import(
            ws, path, annotator=annotator, copy=copy, on_progress=report, **kind
        )
    columns = _columns()
    uploads = [Upload(file.name, file) for file in st.session_state.get(_files_key()) or ()]
    if not uploads:
        raise BadRequest("there is nothing to add yet", remedy="choose pictures or a zip first")
    return lambda report: import_plan.plan_uploads(
        ws, uploads, columns=columns, annotator=annotator, on_progress=report
    )


def _data_set_said() -> dict[str, Any]:
    tree, lists = (st.session_state[key].strip() for key in (state.IMPORT_TREE, state.IMPORT_LISTS))
    preparation = Preparation(tree=given_path(tree) if tree else None, lists=given_path(lists) if lists else None)
    return {"format": st.session_state[state.IMPORT_FORMAT], "preparation": preparation}


def _columns() -> Columns:
    return Columns(**{column: _column(column) for column in COLUMNS})


def _column(column: str) -> str:
    return st.session_state[f"{state.IMPORT_COLUMN}.{column}"].strip() or column


def _add(ws: Workspace) -> None:
    plan: ImportPlan = st.session_state[state.IMPORT_WORK].result
    by = who.current()
    st.session_state[state.IMPORT_SOURCE] = ""  # kept where an import is cancelled, to be looked at once more
    st.session_state[state.IMPORT_WORK] = Work(
        "Adding pictures", lambda report: imports.carry_out(ws, plan, started_by=by, on_progress=report)
    )


def _forget() -> None:
    work: Work | None = st.session_state.pop(state.IMPORT_WORK, None)
    if work is not None and isinstance(work.result, ImportPlan):
        work.result.drop()
