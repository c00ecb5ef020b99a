"""The gallery's scripts and styles, sent by a route."""

from pathlib import Path

from app.components.sent_script import SentScript

HERE = Path(__file__).parent
ANNOTATOR = HERE.parent / "annotator"
SHARED = ("api", "elements", "typos", "tree", "messages", "memory")
PARTS = (
    "marks",
    "cards",
    "near",
    "touch",
    "lasso",
    "pointing",
    "thumbnails",
    "picker",
    "acts",
    "sheets",
    "bar",
    "mark_line",
    "wall",
    "gallery",
)
STYLES = ("gallery", "near", "bar", "mark_line", "sheets")
SCRIPT = SentScript(
    "gallery",
    scripts=[
        *(ANNOTATOR / f"{part}.js" for part in SHARED),
        *(HERE / f"{part}.js" for part in PARTS),
    ],
    styles=[HERE / f"{part}.css" for part in STYLES],
)
