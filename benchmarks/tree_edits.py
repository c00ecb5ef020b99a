"""How long changes of a large class tree take with many labels, beside making all words anew.

    python benchmarks/tree_edits.py [TREE_FILE] [--json]

Without a file the tree is made up, of 16,344 classes. Each edit is timed from the call of the verb to its commit; a
tenth of all labels lies at one class, so that a change of it moves many.
"""

import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hmgc_core.store.workspace import DATABASE
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy
from hmgc_core.tree_edits import Add, Edit, Merge, Move, Rename, Retire, Split
from hmgc_core.workflow import taxonomies, tree_edits, workspaces
from hmgc_core.workflow.workspaces import Workspace

NODES, LABELS, PEOPLE = 16_344, 100_000, 20
MOMENT = "2026-01-01 00:00:00.000000"


def main() -> None:
    files = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    tree = read_taxonomy(Path(files[0])) if files else made_up_tree()
    with tempfile.TemporaryDirectory() as folder:
        ws = workspaces.open_workspace(Path(folder))
        taxonomies.store_taxonomy(ws, tree, source="benchmark")
        often = add_labels(ws, tree)
        rows = [timed(ws, edit) for edit in edits(tree, often)]
        size_mb = (ws.folder / DATABASE).stat().st_size / 1e6
        rows.append({"what": "all words anew", **clocked("edit", lambda: workspaces.recount(ws))})
    result = {"machine": machine(), "nodes": len(tree), "labels": LABELS, "database_mb": round(size_mb), "rows": rows}
    if "--json" in sys.argv:
        print(json.dumps(result))
        return
    print(f"{result['machine']}; {len(tree):,} classes, {LABELS:,} labels, database {size_mb:.0f} MB after all edits")
    columns = ("labels", "preview_ms", "preview_cpu_ms", "edit_ms", "edit_cpu_ms", "undo_ms", "undo_cpu_ms")
    print(f"{'':16}" + "".join(f"{column:>16}" for column in columns))
    for row in rows:
        print(f"{row['what']:16}" + "".join(f"{row[c]:>16,.0f}" if c in row else f"{'':16}" for c in columns))


def add_labels(ws: Workspace, tree: Taxonomy) -> str:
    """100,000 pictures with one label each, every tenth at the same finest class; returns the key of that one."""
    rng = np.random.default_rng(0)
    often = tree.keys[int(tree.leaves[len(tree.leaves) // 2])]
    keys = [often if i % 10 == 0 else tree.keys[node] for i, node in enumerate(rng.integers(1, len(tree), LABELS))]
    kinds = rng.choice(["is", "is", "is", "is", "is_not", "none_here"], LABELS).tolist()
    with sqlite3.connect(ws.folder / DATABASE) as db:
        db.executemany("INSERT INTO annotator VALUES (?, ?, ?)", [(p + 1, f"p{p}", MOMENT) for p in range(PEOPLE)])
        db.executemany(
            "INSERT INTO image VALUES (?, ?, 9, 9, 'train', ?, 0, ?)",
            [(i + 1, f"{i:064}", i, MOMENT) for i in range(LABELS)],
        )
        db.executemany(
            "INSERT INTO annotation (id, uid, image_id, annotator_id, taxonomy_id, kind, node_key, seconds, shown,"
            " created_at) VALUES (?, ?, ?, ?, 1, ?, ?, 1.0, '{}', ?)",
            [(i + 1, f"u{i:09}", i + 1, i % PEOPLE + 1, kinds[i], keys[i], MOMENT) for i in range(LABELS)],
        )
        db.execute("INSERT INTO word SELECT image_id, annotator_id, id, kind, node_key, NULL FROM annotation")
        db.execute("INSERT INTO label_tally SELECT node_key, kind, 'train', COUNT(*) FROM word GROUP BY 1, 2")
        db.execute("UPDATE image SET words = 1")
        db.execute("INSERT INTO image_tally VALUES ('train', 1, ?)", (LABELS,))
    return often


def edits(tree: Taxonomy, often: str) -> list[Edit]:
    parent = tree.keys[tree.parents[tree.index(often)]]
    top = [tree.keys[int(node)] for node in tree.levels[0]]
    other = next(tree.keys[int(leaf)] for leaf in tree.leaves if tree.keys[int(leaf)] != often)
    return [
        Add(parent, "a new class"),
        Rename(often, "another name"),
        Move(parent, top[0] if not tree.is_at_or_below(tree.index(parent), tree.index(top[0])) else top[-1]),
        Split(often, ("one kind", "another kind")),
        Merge(often, other),
        Retire(often),
        Retire(parent),
    ]


def timed(ws: Workspace, edit: Edit) -> dict[str, object]:
    seen = taxonomies.current_taxonomy(ws)[0]
    labels = tree_edits.preview_edit(ws, edit).labels
    return {
        "what": edit.verb,
        "labels": labels,
        **clocked("preview", lambda: tree_edits.preview_edit(ws, edit)),
        **clocked("edit", lambda: tree_edits.make_edit(ws, edit, seen=seen)),
        **clocked("undo", lambda: tree_edits.undo_edit(ws, seen=seen + 1)),
    }


def clocked(what: str, work: Callable[[], object]) -> dict[str, float]:
    """Time on the wall and of the processor; on a busy machine the second is the one to trust."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    spent, computed = time.perf_counter() - start, time.process_time() - busy
    return {f"{what}_ms": spent * 1000, f"{what}_cpu_ms": computed * 1000}


def made_up_tree() -> Taxonomy:
    rng = np.random.default_rng(0)
    return Taxonomy.from_edges((f"n{i}", f"n{int(rng.integers(i // 8, i // 4 + 1))}") for i in range(1, NODES))


def machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"


if __name__ == "__main__":
    main()
