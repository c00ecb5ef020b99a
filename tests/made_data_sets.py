"""Tiny data sets as they are published: their own file names, separators and traps, written by the tests."""

import json
import pickle
from pathlib import Path

import numpy as np
from conftest import write_picture

SPECIES = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Brown_Pelican", "004.White_Pelican")
# species -> genus, family, order, as HRN's lists number them; the tree puts the two pelicans into two families
HRN_GROUPS = {1: (1, 1, 1), 2: (1, 1, 1), 3: (2, 2, 1), 4: (3, 2, 1)}
CUB_TREE = """child,parent
water birds,bird
albatrosses,water birds
brown ones,water birds
white ones,water birds
Black footed Albatross,albatrosses
Laysan Albatross,albatrosses
Brown Pelican,brown ones
White Pelican,white ones
"""
VARIANTS = {  # variant -> family, manufacturer: the same name at two levels, blanks, a stroke
    "707-320": ("Boeing 707", "Boeing"),
    "737-200": ("Boeing 737", "Boeing"),
    "A310": ("A310", "Airbus"),
    "F/A-18": ("F/A-18", "McDonnell Douglas"),
}
CARS = ("AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Ram C/V Cargo Van Minivan 2012".replace("/", ""))
FINE, COARSE = ("apple", "aquarium_fish", "flatfish"), ("fish", "fruit_and_vegetables")
COARSE_OF = (1, 0, 0)


def write_lines(path: Path, lines: list[str], *, newline_at_end: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + ("\n" if newline_at_end else ""))


def cub(folder: Path, *, own: bool = True, hrn: bool = True, per_class: int = 4) -> Path:
    """CUB-200-2011 with four species: every second picture of a class is for testing."""
    numbered = [
        (place, name, f"{name}/{name[4:]}_{place:04d}.jpg")
        for place, name in enumerate([name for name in SPECIES for _ in range(per_class)], 1)
    ]
    for place, _, path in numbered:
        write_picture(folder / "images" / path, place)
    if own:
        write_lines(folder / "classes.txt", [f"{place} {name}" for place, name in enumerate(SPECIES, 1)])
        write_lines(folder / "images.txt", [f"{place} {path}" for place, _, path in numbered])
        labels = [f"{place} {SPECIES.index(name) + 1}" for place, name, _ in numbered]
        write_lines(folder / "image_class_labels.txt", labels)
        write_lines(folder / "train_test_split.txt", [f"{place} {place % 2}" for place, *_ in numbered])
    if hrn:
        lists: dict[int, list[str]] = {0: [], 1: []}
        for place, name, path in numbered:
            species = SPECIES.index(name) + 1
            lists[place % 2].append(" ".join([path, str(species), *map(str, HRN_GROUPS[species])]))
        write_lines(folder / "train_images_4_level_V1.txt", lists[1])
        write_lines(folder / "test_images_4_level_V1.txt", lists[0], newline_at_end=False)
    return folder


def aircraft(folder: Path, *, own: bool = True) -> Path:
    """FGVC-Aircraft with four variants, two pictures of each in train, val and test."""
    data = folder / "data"
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "val": [], "test": []}
    for place, variant in enumerate(VARIANTS):
        for number in range(6):
            image = f"{1000000 + 10 * place + number}"
            write_picture(data / "images" / f"{image}.jpg", 10 * place + number)
            parts[("train", "val", "test")[number // 2]].append((image, variant))
    parts["trainval"] = parts["train"] + parts["val"]
    for part, pairs in parts.items():
        if own or part in ("trainval", "test"):
            write_lines(data / f"images_variant_{part}.txt", [f"{image} {name}" for image, name in pairs])
        if own:
            for place, level in enumerate(("family", "manufacturer")):
                names = [f"{image} {VARIANTS[variant][place]}" for image, variant in pairs]
                write_lines(data / f"images_{level}_{part}.txt", names)
    return folder


def cars(folder: Path) -> Path:
    """Stanford Cars as HRN lays it out: a folder for each class, blanks in the names, numbers from 1."""
    lists: dict[str, list[str]] = {"train": [], "test": []}
    number = 0
    for place, name in enumerate(CARS, 1):
        for split in ("train", "train", "test"):
            number += 1
            write_picture(folder / "Stanford Cars" / name / f"{number:06d}.jpg", number)
            lists[split].append(f"{name}/{number:06d}.jpg {place}")
    for split, lines in lists.items():
        write_lines(folder / f"car_{split}.txt", lines, newline_at_end=split == "train")
    return folder


def cars_with_annotations(folder: Path) -> Path:
    """Stanford Cars as it is published: two folders of pictures and MATLAB files."""
    from scipy.io import savemat

    kind = [("bbox_x1", "i4"), ("class", "i4"), ("fname", "O")]
    for split, count in (("train", 4), ("test", 2)):
        rows = []
        for number in range(1, count + 1):
            write_picture(folder / f"cars_{split}" / f"{number:05d}.jpg", 100 * count + number)
            rows.append((1, (number - 1) % 3 + 1, f"{number:05d}.jpg"))
        name = "cars_train_annos.mat" if split == "train" else "cars_test_annos_withlabels.mat"
        (folder / "devkit").mkdir(exist_ok=True)
        savemat(folder / "devkit" / name, {"annotations": np.array([rows], dtype=kind)})
    names = np.empty((1, len(CARS)), dtype=object)
    names[0] = CARS
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": names})
    return folder


def cifar_part(count: int, seed: int) -> dict[bytes, object]:
    """What the pickle of one part holds: pictures as rows of red, then green, then blue."""
    rng = np.random.default_rng(seed)
    fine = [number % len(FINE) for number in range(count)]
    return {
        b"filenames": [f"{FINE[label]}_{seed}_{number:06d}.png".encode() for number, label in enumerate(fine)],
        b"batch_label": b"training batch 1 of 1",
        b"fine_labels": fine,
        b"coarse_labels": [COARSE_OF[label] for label in fine],
        b"data": rng.integers(0, 256, (count, 3072), dtype=np.uint8),
    }


def cifar(folder: Path, *, protocol: int = 2, train: int = 30) -> Path:
    """CIFAR-100 (python version) with three classes and 6 pictures for testing."""
    inner = folder / "cifar-100-python"
    inner.mkdir(parents=True, exist_ok=True)
    names = {b"fine_label_names": [name.encode() for name in FINE], b"coarse_label_names": [n.encode() for n in COARSE]}
    for name, value in (("train", cifar_part(train, 1)), ("test", cifar_part(6, 2)), ("meta", names)):
        (inner / name).write_bytes(pickle.dumps(value, protocol=protocol))
    return folder


def inat(folder: Path) -> Path:
    """iNaturalist 2021 with two species of one genus and one of another kingdom."""
    ranks = ("kingdom", "phylum", "class", "order", "family", "genus", "specific_epithet")
    kinds = [
        ("Animalia", "Chordata", "Aves", "Procellariiformes", "Diomedeidae", "Phoebastria", "nigripes"),
        ("Animalia", "Chordata", "Aves", "Procellariiformes", "Diomedeidae", "Phoebastria", "immutabilis"),
        ("Plantae", "Tracheophyta", "Magnoliopsida", "Rosales", "Rosaceae", "Prunus", "× yedoensis"),
    ]
    categories = []
    for number, names in enumerate(kinds):
        values = dict(zip(ranks, names, strict=True))
        place = f"{number:05d}_" + "_".join(names)
        categories.append(
            {"id": number, "name": f"{names[5]} {names[6]}", "common_name": f"Common {number}",
             "supercategory": "Birds", "image_dir_name": place, **values}
        )  # fmt: skip
    for split, each in (("train", 3), ("val", 1)):
        images, annotations = [], []
        for number, one in enumerate(categories):
            for picture in range(each):
                ident = len(images)
                name = f"{split}/{one['image_dir_name']}/{split}-{ident}.jpg"
                write_picture(folder / name, 50 * number + picture + (7 if split == "val" else 0))
                images.append({"id": ident, "file_name": name, "width": 48, "height": 48})
                annotations.append({"id": ident, "image_id": ident, "category_id": number})
        content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(content))
    return folder


WORDNET_EDGES = {  # child -> parent; n00000005 hangs on a chain of single children, n00000009 has no picture below
    "n00000001": "n00000000", "n00000002": "n00000001", "n00000003": "n00000002", "n00000004": "n00000002",
    "n00000007": "n00000000", "n00000006": "n00000007", "n00000005": "n00000006", "n00000009": "n00000001",
}  # fmt: skip
ROOT = "n00000000"
WORDNET_PICTURED = {"n00000003": 6, "n00000004": 3, "n00000005": 130}


def imagenet21k(folder: Path) -> Path:
    """Folders of three WordNet ids, one of a class that no tree has, and WordNet as `wordnet.is_a.txt`."""
    number = 0
    for key, count in {**WORDNET_PICTURED, "n99999999": 1}.items():
        for _ in range(count):
            number += 1
            write_picture(folder / key / f"{key}_{number}.JPEG", number, side=12)
    write_lines(folder / "wordnet.is_a.txt", [f"{parent} {child}" for child, parent in WORDNET_EDGES.items()])
    write_lines(folder / "words.txt", ["n00000003\tblack-footed albatross, Diomedea nigripes", "n00000004\tmollymawk"])
    return folder


STRUCTURE = """<ImageNetStructure><releaseData>fall2011</releaseData>
<synset wnid="fall11" words="ImageNet 2011 Fall Release" gloss="">
 <synset wnid="n00000001" words="animal, beast" gloss="a living thing">
  <synset wnid="n00000002" words="bird" gloss="">
   <synset wnid="n00000003" words="albatross" gloss=""/><synset wnid="n00000004" words="owl" gloss=""/>
  </synset></synset>
 <synset wnid="n00000007" words="thing" gloss=""><synset wnid="n00000003" words="albatross" gloss=""/></synset>
 <synset wnid="fa11misc" words="Misc" gloss=""><synset wnid="n00000005" words="food, nutrient" gloss=""/></synset>
</synset></ImageNetStructure>"""
