"""Published data sets come in as their own files say; what is odd in them is counted and told."""

import codecs
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import made_data_sets as made
import numpy as np
import pytest
from conftest import label, write_picture
from PIL import Image

from hmgc_core.errors import HmgcError, TableError, TaxonomyError
from hmgc_core.exchange.data_sets import FORMATS, Preparation, read_data_set
from hmgc_core.exchange.data_sets.pickled_arrays import plain_values
from hmgc_core.exchange.data_sets.reading import hold_out, tree_of_paths
from hmgc_core.exchange.table import TableRow
from hmgc_core.store import annotations, images
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import import_history, imports, taxonomies
from hmgc_core.workflow.import_plan import plan_import
from hmgc_core.workflow.workspaces import Workspace


def labels_of(ws: Workspace) -> dict[str, tuple[str, str]]:
    """name of a picture's file -> (its split, key of its label)."""
    with ws.reading() as connection:
        records = images.all_images(connection)
        said = {word.image_id: word.node for word in annotations.words(connection, [one.id for one in records])}
    return {record.name: (record.split, said.get(record.id, "")) for record in records}


def tree_of(ws: Workspace) -> Taxonomy:
    return taxonomies.current_taxonomy(ws)[1]


def paths_of(tree: Taxonomy) -> set[tuple[str, ...]]:
    return {tuple(tree.name(node) for node in tree.path(int(leaf))) for leaf in tree.leaves}


def bring_in(ws: Workspace, folder: Path, format: str, **wish: object) -> tuple[imports.ImportReport, list[str]]:
    """(report, remarks) of an import."""
    plan = plan_import(ws, folder, format=format, preparation=Preparation(**wish))  # type: ignore[arg-type]
    remarks = plan.source.remarks
    return imports.carry_out(ws, plan), remarks


# --- CUB ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "hrn"), [(True, True), (True, False), (False, True)])
def test_cub_comes_in_from_its_own_lists_or_from_hrns(
    empty_workspace: Workspace, tmp_path: Path, own: bool, hrn: bool
) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011", own=own, hrn=hrn)
    report, remarks = bring_in(empty_workspace, folder, "cub", held_out=0.0)
    assert (report.images, report.annotations, report.skipped) == (16, 16, [])
    assert paths_of(tree_of(empty_workspace)) == {(name[4:].replace("_", " "),) for name in made.SPECIES}
    found = labels_of(empty_workspace)
    assert found["Black_footed_Albatross_0001.jpg"] == ("train", made.SPECIES[0])
    assert found["White_Pelican_0016.jpg"] == ("test", made.SPECIES[3])
    assert any("--tree" in remark for remark in remarks)


def test_cubs_tree_counts_and_the_lists_disagreements_are_told(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011")
    (tmp_path / "tree.csv").write_text(made.CUB_TREE)
    _, remarks = bring_in(empty_workspace, folder, "cub", tree=tmp_path / "tree.csv")
    assert labels_of(empty_workspace)["Brown_Pelican_0009.jpg"][1] == "Brown Pelican"
    tree = tree_of(empty_workspace)
    assert tree.depth == 3
    family = next(remark for remark in remarks if "'family'" in remark)
    assert "has 2 groups, level 2 of the tree 3; 1 of 4 classes" in family and "divided in the tree: '2'" in family
    assert not any("'genus'" in remark for remark in remarks)  # the same groups as the tree's families
    assert not any("'order'" in remark for remark in remarks)  # the same in both


def test_hrns_columns_are_held_against_the_tree_in_use_too(empty_workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text(made.CUB_TREE)
    taxonomies.import_taxonomy(empty_workspace, tmp_path / "tree.csv")
    report, remarks = bring_in(empty_workspace, made.cub(tmp_path / "CUB_200_2011"), "cub")
    assert report.annotations == 16 and any("column 'family' has 2 groups" in remark for remark in remarks)


def test_hrns_columns_that_fit_the_tree_are_not_mentioned(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011")
    (tmp_path / "tree.csv").write_text(made.CUB_TREE.replace("white ones", "brown ones"))
    _, remarks = bring_in(empty_workspace, folder, "cub", tree=tmp_path / "tree.csv")
    assert not any("'family'" in remark or "'order'" in remark for remark in remarks)


def test_lists_that_say_different_things_of_a_picture_are_counted(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011")
    lines = (folder / "train_images_4_level_V1.txt").read_text().splitlines()
    lines = [lines[0].replace(" 1 1 1 1", " 2 1 1 1"), *lines[2:]]
    made.write_lines(folder / "train_images_4_level_V1.txt", lines)
    report, remarks = bring_in(empty_workspace, folder, "cub", held_out=0.0)
    assert report.images == 15
    assert any(remark.startswith("HRN's lists have another species 1 times") for remark in remarks)
    assert any("no line for a picture of images.txt 1 times" in remark for remark in remarks)
    assert labels_of(empty_workspace)["Black_footed_Albatross_0001.jpg"][1] == made.SPECIES[1]


def test_pictures_missing_from_a_list_are_counted_skips(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011")
    gone = folder / "images" / made.SPECIES[0] / "Black_footed_Albatross_0002.jpg"
    gone.unlink()
    report, _ = bring_in(empty_workspace, folder, "cub")
    assert report.images == 15
    assert [(skip.path, skip.reason) for skip in report.skipped] == [
        (f"images/{made.SPECIES[0]}/Black_footed_Albatross_0002.jpg", "the file is missing")
    ]


def test_lists_without_any_picture_are_refused_and_nothing_is_written(
    empty_workspace: Workspace, tmp_path: Path
) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011")
    for picture in folder.rglob("*.jpg"):
        picture.unlink()
    with pytest.raises(TableError, match="none of the 16 pictures"):
        bring_in(empty_workspace, folder, "cub")
    assert taxonomies.newest_taxonomy(empty_workspace) is None and not import_history.history(empty_workspace)


def test_a_species_number_outside_the_list_is_a_skip(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011", hrn=False)
    labels = (folder / "image_class_labels.txt").read_text().replace("1 1\n", "1 0\n", 1)  # numbers begin with 1
    (folder / "image_class_labels.txt").write_text(labels)
    report, _ = bring_in(empty_workspace, folder, "cub")
    assert report.images == 15 and "its species 0" in report.skipped[0].reason


# --- FGVC-Aircraft, Stanford Cars -----------------------------------------------------------------------------------


def test_aircraft_brings_three_levels_and_its_own_splits(empty_workspace: Workspace, tmp_path: Path) -> None:
    report, _ = bring_in(empty_workspace, made.aircraft(tmp_path / "fgvc-aircraft-2013b"), "aircraft")
    assert (report.images, report.annotations) == (24, 24)
    assert Counter(split for split, _ in labels_of(empty_workspace).values()) == {"train": 8, "val": 8, "test": 8}
    tree = tree_of(empty_workspace)
    expected = {(maker, family, variant) for variant, (family, maker) in made.VARIANTS.items()}
    assert paths_of(tree) == expected
    assert labels_of(empty_workspace)["1000020.jpg"] == ("train", "Airbus/A310/A310")


def test_hrns_lists_of_aircraft_alone_give_the_variants(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.aircraft(tmp_path / "Air", own=False)
    report, remarks = bring_in(empty_workspace, folder, "aircraft", held_out=0.0)
    assert report.images == 24
    assert Counter(split for split, _ in labels_of(empty_workspace).values()) == {"train": 16, "test": 8}
    assert labels_of(empty_workspace)["1000030.jpg"] == ("train", "F/A-18")
    assert any("4 classes and no tree" in remark for remark in remarks)


def test_a_variant_in_two_families_is_told(tmp_path: Path) -> None:
    folder = made.aircraft(tmp_path / "Air")
    for part in ("train", "trainval"):
        path = folder / "data" / f"images_family_{part}.txt"
        path.write_text(path.read_text().replace("1000000 Boeing 707", "1000000 Boeing 737"))
    found = read_data_set(folder, "aircraft", Preparation())
    assert any("1 variants have several families" in remark for remark in found.remarks)
    assert ("Boeing", "Boeing 707", "707-320") in paths_of(found.taxonomy)


def test_cars_come_in_from_hrns_lists(empty_workspace: Workspace, tmp_path: Path) -> None:
    report, _ = bring_in(empty_workspace, made.cars(tmp_path / "Datasets"), "cars", held_out=0.0)
    assert (report.images, report.annotations, report.skipped) == (9, 9, [])
    assert labels_of(empty_workspace)["000003.jpg"] == ("test", made.CARS[0])


def test_cars_come_in_from_the_published_annotations(empty_workspace: Workspace, tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    folder = made.cars_with_annotations(tmp_path / "stanford_cars")
    report, _ = bring_in(empty_workspace, folder, "cars", held_out=0.0)
    assert (report.images, report.annotations) == (6, 6)
    with empty_workspace.reading() as connection:
        splits = {"/".join(one.path.parts[-2:]): one.split for one in images.all_images(connection)}
    assert splits["cars_test/00002.jpg"] == "test" and splits["cars_train/00002.jpg"] == "train"


def test_damaged_annotations_are_named(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    folder = made.cars_with_annotations(tmp_path / "stanford_cars")
    (folder / "devkit" / "cars_meta.mat").write_bytes(b"MATLAB 5.0 MAT-file, cut")
    with pytest.raises(TableError, match=r"cars_meta\.mat"):
        read_data_set(folder, "cars", Preparation())


# --- CIFAR-100 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_cifar_comes_in_pixel_by_pixel(empty_workspace: Workspace, tmp_path: Path, protocol: int) -> None:
    report, remarks = bring_in(empty_workspace, made.cifar(tmp_path, protocol=protocol), "cifar100")
    assert (report.images, report.annotations) == (36, 36)
    assert Counter(split for split, _ in labels_of(empty_workspace).values()) == {"train": 27, "val": 3, "test": 6}
    assert paths_of(tree_of(empty_workspace)) == {
        ("fruit and vegetables", "apple"), ("fish", "aquarium fish"), ("fish", "flatfish"),
    }  # fmt: skip
    data = made.cifar_part(30, 1)[b"data"]
    with empty_workspace.reading() as connection:
        one = next(record for record in images.all_images(connection) if record.name == "flatfish_1_000005.png")
    assert one.path.is_relative_to(empty_workspace.copies)
    pixels = np.asarray(Image.open(one.path))
    for channel in range(3):
        for row in (0, 31):
            assert (pixels[row, :, channel] == data[5, 1024 * channel + 32 * row :][:32]).all()  # type: ignore[index]
    assert not list(empty_workspace.staging.iterdir())
    assert any("3 of its training pictures" in remark for remark in remarks)


def test_a_pickle_that_python_2_wrote_is_read(tmp_path: Path) -> None:
    # protocol 2: text as bytes, the array by numpy.core.multiarray._reconstruct, its type by numpy.dtype('u1', 0, 1)
    old = (
        b"\x80\x02}q\x01U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05"
        b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x06abcdeftbs."
    )
    (tmp_path / "old").write_bytes(old)
    (array,) = plain_values(tmp_path / "old").values()
    assert array.tolist() == [[97, 98, 99], [100, 101, 102]] and array.dtype == np.uint8


class Attack:
    """Pickled, it is a command to run."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("name", ["os", "builtins", "numpy", "open", "codecs"])
def test_a_malicious_pickle_runs_nothing(tmp_path: Path, protocol: int, name: str) -> None:
    mark = tmp_path / "it-ran"
    attacks = {
        "os": Attack(os.system, f"touch {mark}"),
        "builtins": Attack(eval, f"open({str(mark)!r}, 'w')"),
        "numpy": Attack(np.save, str(mark), np.zeros(1)),
        "open": Attack(open, str(mark), "w"),
        "codecs": Attack(codecs.open, str(mark), "w"),
    }
    (tmp_path / "bad").write_bytes(pickle.dumps({b"data": attacks[name]}, protocol=protocol))
    with pytest.raises(TableError, match="asks for"):
        plain_values(tmp_path / "bad")
    assert not list(tmp_path.glob("it-ran*"))


@pytest.mark.parametrize(
    "bytes_",
    [
        b"", b"not a pickle", b"\x80\x02", b"cos\nsystem\n(S'true'\ntR.", b"cnumpy\nndarray\n(I1000000000000\ntR.",
        b"cnumpy\ndtype\n(S'O'\ntR.", b"c__builtin__\neval\n(S'1'\ntR.", b"cnumpy\nndarray\n.", b"P1\n.",
        pickle.dumps(np.array([{}], dtype=object), protocol=2), pickle.dumps({1, 2}),
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    ],
)  # fmt: skip
def test_any_other_bytes_are_a_named_error(tmp_path: Path, bytes_: bytes) -> None:
    (tmp_path / "odd").write_bytes(bytes_)
    with pytest.raises(TableError):
        plain_values(tmp_path / "odd")


@pytest.mark.parametrize(
    ("part", "change", "why"),
    [
        ("train", {b"data": np.zeros((30, 3071), np.uint8)}, "3072 bytes"),
        ("train", {b"data": [1, 2]}, "3072 bytes"),
        ("train", {b"fine_labels": [0] * 29}, "each of 30 pictures"),
        ("train", {b"fine_labels": [3] * 30}, "none of the 3 classes"),
        ("test", {b"coarse_labels": None}, "CIFAR-10 has none"),
        ("test", {b"filenames": [b"a"]}, "file names"),
        ("meta", {b"fine_label_names": [b"a", b"a", b"b"]}, "one name"),
        ("meta", {b"coarse_label_names": 5}, "no list"),
    ],
)
def test_a_pickle_that_is_not_cifars_is_named(tmp_path: Path, part: str, change: dict, why: str) -> None:
    folder = made.cifar(tmp_path)
    path = folder / "cifar-100-python" / part
    path.write_bytes(pickle.dumps(pickle.loads(path.read_bytes()) | change, protocol=2))
    with pytest.raises(TableError, match=why):
        read_data_set(folder, "cifar100", Preparation())


# --- iNaturalist, ImageNet-21k --------------------------------------------------------------------------------------


def test_inaturalist_brings_seven_ranks(empty_workspace: Workspace, tmp_path: Path) -> None:
    report, _ = bring_in(empty_workspace, made.inat(tmp_path / "inat"), "inat2021")
    assert (report.images, report.annotations, report.skipped) == (12, 12, [])
    tree = tree_of(empty_workspace)
    assert tree.depth == 7 and len(tree.leaves) == 3
    node = tree.index("Phoebastria nigripes")
    assert tree.path_keys(node)[0] == "Animalia" and tree.synonyms(node) == ("Common 0",)
    assert labels_of(empty_workspace)["val-2.jpg"] == ("val", "Prunus × yedoensis")


def test_a_description_without_categories_is_named(tmp_path: Path) -> None:
    folder = made.inat(tmp_path / "inat")
    (folder / "train.json").write_text(json.dumps({"images": []}))
    with pytest.raises(TableError, match=r"train\.json is no description"):
        read_data_set(folder, "inat2021", Preparation())


@pytest.mark.parametrize(
    ("contract", "classes"),
    [
        ("none", {made.ROOT, *made.WORDNET_EDGES} - {"n00000009"}),
        ("chains", {"n00000000", "n00000002", "n00000003", "n00000004", "n00000005"}),
        ("empty", {"n00000000", "n00000003", "n00000004", "n00000005"}),
    ],
)
def test_imagenets_tree_is_cut_to_what_has_pictures(tmp_path: Path, contract: str, classes: set[str]) -> None:
    folder = made.imagenet21k(tmp_path / "images")
    found = read_data_set(folder, "imagenet21k", Preparation(tree=folder / "wordnet.is_a.txt", contract=contract))
    assert set(found.taxonomy.keys) == classes
    assert found.taxonomy.name(found.taxonomy.index("n00000003")) == "black-footed albatross"
    assert [(path, why) for path, why in found.left_out if "n99999999" in why] and len(found.left_out) == 1
    assert any("no picture at or below" in remark for remark in found.remarks)


@pytest.mark.parametrize("shots", [0, 10])
def test_new_classes_have_few_pictures_or_none_to_learn_from(tmp_path: Path, shots: int) -> None:
    folder = made.imagenet21k(tmp_path / "images")
    (tmp_path / "testsets.json").write_text(json.dumps({"train": ["n00000003", "n00000004", "n12345678"]}))
    wish = Preparation(tree=folder / "wordnet.is_a.txt", seen=tmp_path / "testsets.json", shots=shots)
    found = read_data_set(folder, "imagenet21k", wish)
    count = Counter((row.label, row.split) for row in found.rows)
    assert count["n00000003", "train"] == 6 and count["n00000004", "train"] == 3
    assert [count["n00000005", split] for split in ("train", "val", "test")] == [shots, 50, 80 - shots]
    assert found.rows == read_data_set(folder, "imagenet21k", wish).rows
    assert any("1 classes to learn from have no picture ('n12345678')" in remark for remark in found.remarks)


def test_imagenets_own_xml_tree(tmp_path: Path) -> None:
    folder = made.imagenet21k(tmp_path / "images")
    (tmp_path / "structure_released.xml").write_text(made.STRUCTURE)
    found = read_data_set(folder, "imagenet21k", Preparation(tree=tmp_path / "structure_released.xml"))
    tree = found.taxonomy
    assert tree.path_keys(tree.index("n00000003")) == ["n00000001", "n00000002", "n00000003"]
    assert tree.path_keys(tree.index("n00000005")) == ["n00000005"]  # what lay in the box for left-overs
    assert tree.synonyms(tree.index("n00000001")) == ("beast",)
    assert any("1 classes lie under several others" in remark for remark in found.remarks)


def test_imagenet_needs_a_tree_and_a_known_contraction(tmp_path: Path) -> None:
    folder = made.imagenet21k(tmp_path / "images")
    with pytest.raises(TableError, match="no tree of their own"):
        read_data_set(folder, "imagenet21k", Preparation())
    with pytest.raises(TableError, match="no contraction 'all'"):
        read_data_set(folder, "imagenet21k", Preparation(contract="all"))


# --- any folders ----------------------------------------------------------------------------------------------------


def test_folders_become_the_tree_and_the_labels(empty_workspace: Workspace, tmp_path: Path) -> None:
    places = ["bird/owl/a.png", "bird/gull/b.png", "bird/c.png", "ship/owl/d.png", "e.png", ".hidden/f.txt"]
    for number, place in enumerate(places):
        write_picture(tmp_path / "set" / place, number) if place.endswith("png") else None
    report, remarks = bring_in(empty_workspace, tmp_path / "set", "folders")
    assert (report.images, report.annotations) == (5, 4)
    found = {name: node for name, (_, node) in labels_of(empty_workspace).items()}
    assert found == {"a.png": "bird/owl", "b.png": "bird/gull", "c.png": "bird", "d.png": "ship/owl", "e.png": ""}
    assert any("1 pictures lie in no class's folder" in remark for remark in remarks)


def test_first_folders_called_like_splits_are_splits(empty_workspace: Workspace, tmp_path: Path) -> None:
    for number, place in enumerate(["Train/owl/a.png", "Train/gull/b.png", "valid/owl/c.png", "test/owl/d.png"]):
        write_picture(tmp_path / "set" / place, number)
    _, remarks = bring_in(empty_workspace, tmp_path / "set", "folders")
    assert labels_of(empty_workspace)["c.png"] == ("val", "owl")
    assert {remark for remark in remarks if "lacks" in remark} == {
        "val lacks 1 of 2 classes: 'gull'", "test lacks 1 of 2 classes: 'gull'",
    }  # fmt: skip


# --- what all share -------------------------------------------------------------------------------------------------


def test_the_same_share_of_each_class_is_held_out_every_time() -> None:
    rows = [TableRow(0, f"{place}.jpg", "a" if place % 3 else "b", "train") for place in range(60)]
    rows += [TableRow(0, "single.jpg", "c", "train"), TableRow(0, "t.jpg", "a", "test")]
    chosen, moved = hold_out(rows, 0.1)
    assert moved == 6 and Counter(row.label for row in chosen if row.split == "val") == {"a": 4, "b": 2}
    assert [row.path for row in chosen] == [row.path for row in rows]
    assert hold_out(rows[::-1], 0.1)[0][::-1] == chosen
    assert hold_out(rows, 0.0) == (rows, 0)
    assert hold_out([*rows, TableRow(0, "v.jpg", "a", "val")], 0.1)[1] == 0


def test_keys_are_short_where_names_are_unique_and_paths_where_not() -> None:
    assert tree_of_paths([("bird", "owl"), ("ship", "tug")])[1]["ship", "tug"] == "tug"
    tree, keys = tree_of_paths([("Airbus", "A310", "A310")])
    assert keys["Airbus", "A310", "A310"] == "Airbus/A310/A310" and tree.name(2) == "A310"


def test_another_tree_in_use_stays_and_the_difference_is_told(empty_workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text("child,parent\nApple,fruit\nAquarium fish,animal\nfruit,thing\nanimal,thing\n")
    taxonomies.import_taxonomy(empty_workspace, tmp_path / "tree.csv")
    report, remarks = bring_in(empty_workspace, made.cifar(tmp_path), "cifar100")
    assert (report.images, report.annotations) == (36, 24)
    assert len([skip for skip in report.skipped if "unknown class 'flatfish'" in skip.reason]) == 12
    assert len(tree_of(empty_workspace)) == 5
    told = " ".join(remarks)
    assert "(version 1, 5 classes) stays; that of the data set (6)" in told
    assert "2 classes were recognised" in told and "1 of 3 labels are no class of the tree in use: 'flatfish'" in told


def test_importing_again_changes_nothing(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.aircraft(tmp_path / "Air")
    bring_in(empty_workspace, folder, "aircraft")
    report, remarks = bring_in(empty_workspace, folder, "aircraft")
    assert (report.images, report.duplicates, report.annotations, report.known) == (0, 0, 0, 24)
    assert remarks == [] and taxonomies.current_taxonomy(empty_workspace)[0] == 1


def test_an_import_is_taken_back_but_its_tree_stays(empty_workspace: Workspace, tmp_path: Path) -> None:
    bring_in(empty_workspace, made.cifar(tmp_path), "cifar100")
    done = import_history.undo_import(empty_workspace)
    assert (done.images, done.annotations, done.source) == (36, 36, str(tmp_path))
    assert not labels_of(empty_workspace) and len(tree_of(empty_workspace)) == 6


def test_an_import_killed_in_the_middle_is_taken_up_by_the_next(empty_workspace: Workspace, tmp_path: Path) -> None:
    folder = made.cifar(tmp_path, train=800)
    code = f"""
import os
from pathlib import Path
from hmgc_core.workflow import imports, import_plan, workspaces
ws = workspaces.open_workspace(Path({str(empty_workspace.folder)!r}))
plan = import_plan.plan_import(ws, Path({str(folder)!r}), format="cifar100")
imports.carry_out(ws, plan, on_progress=lambda done, total: os._exit(9))
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert len(labels_of(empty_workspace)) == 500 and len(tree_of(empty_workspace)) == 6
    report, _ = bring_in(empty_workspace, folder, "cifar100")
    assert (report.images, report.known) == (306, 500) and len(labels_of(empty_workspace)) == 806


def test_a_dry_run_says_it_all_and_writes_nothing(empty_workspace: Workspace, tmp_path: Path) -> None:
    plan = plan_import(empty_workspace, made.cifar(tmp_path), format="cifar100")
    assert (plan.preview.images, plan.preview.annotations) == (36, 36)
    assert plan.preview.by_split == {"train": 27, "val": 3, "test": 6}
    plan.drop()
    assert taxonomies.newest_taxonomy(empty_workspace) is None and not list(empty_workspace.staging.iterdir())


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_that_is_something_else_is_a_named_error(tmp_path: Path, format: str) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(HmgcError) as told:
        read_data_set(tmp_path, format, Preparation())
    assert told.value.remedy


def test_unknown_formats_folders_and_shares_are_named(tmp_path: Path) -> None:
    for folder, format, wish in (
        (tmp_path, "cub2", Preparation()),
        (tmp_path / "gone", "cub", Preparation()),
        (tmp_path, "cub", Preparation(held_out=1.0)),
    ):
        with pytest.raises(TableError):
            read_data_set(folder, format, wish)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train_images_4_level_V1.txt", "a.jpg 1 2 3\n"),
        ("images.txt", "one a.jpg\n"),
        ("train_test_split.txt", "1 1\n"),
        ("classes.txt", "1\n"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(tmp_path: Path, name: str, text: str) -> None:
    folder = made.cub(tmp_path / "CUB_200_2011")
    (folder / name).write_text(text)
    with pytest.raises(TableError, match=name):
        read_data_set(folder, "cub", Preparation())


def test_a_tree_without_the_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text("child,parent\nowl,bird\n")
    with pytest.raises(TaxonomyError, match="has none of the 4 classes"):
        read_data_set(made.cub(tmp_path / "CUB_200_2011"), "cub", Preparation(tree=tmp_path / "tree.csv"))


def test_labels_that_people_made_outlive_the_undo(empty_workspace: Workspace, tmp_path: Path) -> None:
    bring_in(empty_workspace, made.cars(tmp_path / "Datasets"), "cars")
    label(empty_workspace, 1, made.CARS[1])
    done = import_history.undo_import(empty_workspace)
    assert (done.images, done.kept) == (8, 1)
