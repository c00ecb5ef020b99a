"""The keys that `benchmarks/keys_per_label.py` counts are those that label: pressed in the real annotator."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from browser.app_server import AppServer
from browser.screen import Screen, make_workspace, predict
from hmgc_core.records import Prediction
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import seeing

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "keys_per_label.py"
spec = importlib.util.spec_from_file_location("keys_per_label", SCRIPT)
assert spec and spec.loader
keys_per_label = importlib.util.module_from_spec(spec)
spec.loader.exec_module(keys_per_label)


def test_the_counted_keys_give_every_class_at_every_level(
    tmp_path: Path, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tree: Taxonomy
) -> None:
    ws = make_workspace(tmp_path, len(tree) + 8, tree)
    predict(ws)
    desk = Screen(open_page(), ws).open(app_server(ws.folder))
    counts = {}
    view = seeing.image_view(ws, 1, 1)
    assert view is not None
    suggestion: Prediction = view.prediction
    for node, key in enumerate(tree.keys):
        keys = keys_per_label.fewest_keys(tree, suggestion, node)
        image = desk.label(*keys)
        desk.saved()
        assert desk.said(image) == [("is", key)], keys
        counts[key] = len(keys)
    on_the_path = {"bird", "albatross", "black-footed"}
    assert all(counts[key] == 1 for key in {*on_the_path, "life"})
    assert counts["gull-like"] == 2  # coarser, then its digit
    assert counts["flower 11"] == 3  # plant, more, its digit
