"""Pictures are decoded once, whole, and what cannot be read is a counted skip."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import write_picture
from PIL import Image

from hmgc_core.errors import WorkspaceError
from hmgc_core.learning import pixel_cache
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.records import Stopped


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """Six different pictures."""
    paths = [tmp_path / "photos" / f"{i}.png" for i in range(6)]
    for i, path in enumerate(paths):
        write_picture(path, i)
    return paths


@pytest.fixture
def decoded(monkeypatch) -> list[Path]:
    """The paths that were really decoded, in order of asking."""
    asked: list[Path] = []
    decode = pixel_cache._decode
    monkeypatch.setattr(pixel_cache, "_decode", lambda path, size: asked.append(path) or decode(path, size))
    return asked


def test_pixels_are_the_whole_picture_squeezed_into_a_square(tmp_path):
    wide = Image.new("RGB", (80, 20), "red")
    wide.paste("blue", (40, 0, 80, 20))
    wide.save(tmp_path / "wide.png")
    pixels = decode_pictures([tmp_path / "wide.png"], size=8, folder=tmp_path / "cache")
    batch = pixels.take([0])
    assert batch.shape == (1, 3, 8, 8) and batch.dtype == np.uint8
    assert (batch[0, 0, :, :3] == 255).all() and (batch[0, 2, :, 5:] == 255).all()


def test_a_second_call_decodes_nothing_and_gives_the_same(photos, tmp_path, decoded):
    first = decode_pictures(photos, size=16, folder=tmp_path / "cache")
    again = decode_pictures(photos[::-1], size=16, folder=tmp_path / "cache")
    assert sorted(decoded) == photos
    assert np.array_equal(first.take(range(6)), again.take(range(6))[::-1])


def test_new_changed_and_differently_sized_pictures_are_decoded_again(photos, tmp_path, decoded):
    decode_pictures(photos[:4], size=16, folder=tmp_path / "cache")
    decoded.clear()
    Image.new("RGB", (9, 9), "white").save(photos[0])
    pixels = decode_pictures(photos, size=16, folder=tmp_path / "cache")
    assert sorted(decoded) == [photos[0], photos[4], photos[5]]
    assert pixels.take([0]).min() == 255
    decoded.clear()
    decode_pictures(photos, size=8, folder=tmp_path / "cache")
    assert len(decoded) == 6


def test_what_cannot_be_read_is_skipped_with_its_reason(photos, tmp_path):
    photos[1].write_bytes(b"")
    photos[3].unlink()
    pixels = decode_pictures(photos, size=16, folder=tmp_path / "cache")
    assert pixels.readable == [0, 2, 4, 5]
    assert [(s.path, s.reason) for s in pixels.skipped] == [
        (photos[1], "the file is empty"),
        (photos[3], "the file is missing"),
    ]
    with pytest.raises(IndexError, match=r"1\.png"):
        pixels.take([1])


def test_the_same_picture_twice_is_decoded_once(photos, tmp_path, decoded):
    pixels = decode_pictures([photos[0], photos[0]], size=16, folder=tmp_path / "cache")
    assert len(decoded) == 1
    assert np.array_equal(pixels.take([0]), pixels.take([1]))


def test_several_shards_read_as_one(photos, tmp_path, monkeypatch):
    whole = decode_pictures(photos, size=16, folder=tmp_path / "one").take(range(6))
    monkeypatch.setattr(pixel_cache, "PICTURES_PER_SHARD", 2)
    pixels = decode_pictures(photos, size=16, folder=tmp_path / "many")
    assert len(pixels.shards) == 3
    assert np.array_equal(pixels.take(range(6)), whole)


@pytest.mark.parametrize("damage", ["cut shard", "cut index", "no shard"])
def test_a_damaged_shard_is_decoded_again(photos, tmp_path, damage):
    cache = tmp_path / "cache"
    whole = decode_pictures(photos, size=16, folder=cache).take(range(6))
    shard, index = next(cache.glob("*.pixels")), next(cache.glob("*.json"))
    if damage == "cut shard":
        os.truncate(shard, 100)
    elif damage == "cut index":
        index.write_text(index.read_text()[:20])
    else:
        shard.unlink()
    assert np.array_equal(decode_pictures(photos, size=16, folder=cache).take(range(6)), whole)


def test_stopping_leaves_no_half_shard(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_cache, "PICTURES_PER_STEP", 2)
    looks = iter([False, True])
    with pytest.raises(Stopped):
        decode_pictures(photos, size=16, folder=tmp_path / "cache", should_stop=lambda: next(looks))
    assert list((tmp_path / "cache").iterdir()) == []


def test_progress_counts_up_to_what_had_to_be_decoded(photos, tmp_path):
    told = []
    decode_pictures(photos[:2], size=16, folder=tmp_path / "cache")
    decode_pictures(photos, size=16, folder=tmp_path / "cache", on_progress=told.append)
    assert (told[-1].done, told[-1].total) == (4, 4)


def test_a_disk_without_room_is_said_before_anything_is_written(photos, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(WorkspaceError, match="no room") as caught:
        decode_pictures(photos, size=16, folder=tmp_path / "cache")
    assert "disk" in caught.value.remedy


def test_a_disk_that_fills_up_on_the_way_is_the_same_error(photos, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="no room"):
        decode_pictures(photos, size=16, folder=tmp_path / "cache")
    assert list((tmp_path / "cache").glob("*.json")) == []


def test_the_index_names_every_row(photos, tmp_path):
    decode_pictures(photos, size=16, folder=tmp_path / "cache")
    told = json.loads(next((tmp_path / "cache").glob("*.json")).read_text())
    assert [name.split("|")[0] for name in told["names"]] == [str(path) for path in photos]
    assert list(told["names"].values()) == told["contents"]


# --- found by content -------------------------------------------------------------------------------------------------


def test_a_moved_folder_and_a_copy_are_recognised(photos, tmp_path, decoded):
    whole = decode_pictures(photos, size=16, folder=tmp_path / "cache").take(range(6))
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    (tmp_path / "photos").rename(tmp_path / "moved")
    decoded.clear()
    for folder in ("copy", "moved", "moved"):
        there = [tmp_path / folder / path.name for path in photos]
        assert np.array_equal(decode_pictures(there, size=16, folder=tmp_path / "cache").take(range(6)), whole)
    assert decoded == []
    assert len(list((tmp_path / "cache").glob("*.pixels"))) == 1
    # The second look at the moved folder knew its names and wrote nothing.
    assert len(list((tmp_path / "cache").glob("*.json"))) == 3


def test_a_copy_costs_no_room_on_the_disk(photos, tmp_path, monkeypatch):
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    decode_pictures(photos, size=16, folder=tmp_path / "cache")
    usage = shutil.disk_usage(tmp_path)
    needed = pixel_cache.BYTES_TO_SPARE + 6 * 3 * 16 * 16  # of one step, not of all pictures
    monkeypatch.setattr(pixel_cache, "PICTURES_PER_STEP", 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed - 1))
    there = [tmp_path / "copy" / path.name for path in photos]
    assert decode_pictures(there, size=16, folder=tmp_path / "cache").readable == list(range(6))


def test_two_files_of_one_content_are_decoded_once(photos, tmp_path, decoded):
    shutil.copy(photos[0], photos[1])
    pixels = decode_pictures(photos[:2], size=16, folder=tmp_path / "cache")
    assert len(decoded) == 1 and np.array_equal(pixels.take([0]), pixels.take([1]))


@pytest.mark.parametrize("version", [1, 2])
def test_a_cache_of_an_earlier_version_is_still_read(photos, tmp_path, decoded, version):
    whole = decode_pictures(photos, size=16, folder=tmp_path / "cache").take(range(6))
    (index,), (shard,) = (list((tmp_path / "cache").glob(ending)) for ending in ("*.json", "*.pixels"))
    if version == 1:
        index.write_text(json.dumps(list(json.loads(index.read_text())["names"])))
    shard.write_bytes(np.ascontiguousarray(whole).tobytes())  # colour by colour
    for path in (index, shard):
        path.rename(path.with_name(path.name.replace("v3-", f"v{version}-")))
    decoded.clear()
    assert np.array_equal(decode_pictures(photos, size=16, folder=tmp_path / "cache").take(range(6)), whole)
    assert decoded == []


def test_a_cache_of_a_later_version_is_left_alone(photos, tmp_path, decoded):
    cache = tmp_path / "cache"
    cache.mkdir()
    for ending in ("json", "pixels"):
        (cache / f"v4-16px-later.{ending}").write_bytes(b"what nobody knows yet")
    decode_pictures(photos, size=16, folder=cache)
    assert len(decoded) == 6
    assert all(path.read_bytes() == b"what nobody knows yet" for path in cache.glob("v4-*"))
