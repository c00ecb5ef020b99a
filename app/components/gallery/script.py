"""The gallery's scripts and styles, sent by a route. Exports `show` and `close`, `nameMark` and `forgetMarks`."""

from pathlib import Path

from app.components.sent_script import SentScript

HERE = Path(__file__).parent
ANNOTATOR = HERE.parent / "annotator"
MARK_BAR = HERE.parent / "mark_bar" / "mark_bar"  # it comes with each page of the gallery, so it travels as lightly
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
    "wall",
    "gallery",
)
STYLES = ("gallery", "near", "bar", "sheets")
SCRIPT = SentScript(
    "gallery",
    scripts=[
        *(ANNOTATOR / f"{part}.js" for part in SHARED),
        *(HERE / f"{part}.js" for part in PARTS),
        MARK_BAR.with_suffix(".js"),
    ],
    styles=[*(HERE / f"{part}.css" for part in STYLES), MARK_BAR.with_suffix(".css")],
)
