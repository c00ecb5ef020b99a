"""The charts' scripts and styles, sent by a route."""

from pathlib import Path

from app.components.sent_script import SentScript

HERE = Path(__file__).parent
PARTS = ("elements", "bars", "matrix", "curves", "charts")
SCRIPT = SentScript("charts", scripts=[HERE / f"{part}.js" for part in PARTS], styles=[HERE / "charts.css"])
