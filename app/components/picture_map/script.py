"""The map's scripts and styles, sent by a route."""

from pathlib import Path

from app.components.sent_script import SentScript

HERE = Path(__file__).parent
PARTS = ("points", "camera", "paint", "lasso", "card", "legend", "hands", "picture_map")
SCRIPT = SentScript("map", scripts=[HERE / f"{part}.js" for part in PARTS], styles=[HERE / "picture_map.css"])
