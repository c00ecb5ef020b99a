"""Files of every kind become upright 8-bit RGB, or a reason in plain words."""

import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from hmgc_core import pictures
from hmgc_core.errors import PictureError
from hmgc_core.pictures import plain_jpeg, probe_picture, read_picture


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


@pytest.mark.parametrize(
    "kind", ["RGB jpg", "CMYK jpg", "P gif", "RGBA png", "RGB webp", "P png", "RGB bmp", "CMYK tif", "LAB tif"]
)
def test_every_colour_mode_keeps_its_colours(tmp_path, kind):
    mode, name = kind.split()[0], "a." + kind.split()[1]
    picture(mode).save(tmp_path / name)
    read = read_picture(tmp_path / name)
    assert read.mode == "RGB" and read.size == (40, 20)
    left, right = np.asarray(read)[10, 5].astype(int), np.asarray(read)[10, 35].astype(int)
    assert left[0] > 180 and left[2] < 80
    assert right[2] > 180 and right[0] < 80


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_pictures_become_grey_rgb(tmp_path, mode):
    Image.new("L", (8, 8), 255).convert(mode).save(tmp_path / "grey.png")
    assert np.asarray(read_picture(tmp_path / "grey.png")).tolist() == np.full((8, 8, 3), 255).tolist()


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path, name):
    values = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / name)
    read = np.asarray(read_picture(tmp_path / name))[..., 0].astype(int)
    assert np.abs(read.ravel() - np.arange(256)).max() <= 1


def test_float_pictures_from_zero_to_one_use_the_whole_range(tmp_path):
    Image.fromarray(np.array([[0, 0.5], [1, np.nan]], dtype=np.float32)).save(tmp_path / "float.tif")
    assert np.asarray(read_picture(tmp_path / "float.tif"))[..., 0].tolist() == [[0, 128], [255, 0]]


def test_transparent_parts_are_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert np.asarray(read_picture(tmp_path / "clear.png")).min() == 255


def test_a_turned_photo_comes_upright_and_is_probed_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    picture().save(tmp_path / "turned.jpg", exif=exif, quality=95)
    read = read_picture(tmp_path / "turned.jpg")
    assert read.size == (20, 40)
    assert np.asarray(read)[5, 10][0] > 180  # red, the left half, is on top now
    assert probe_picture(tmp_path / "turned.jpg")[:2] == (20, 40)


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert np.asarray(read_picture(tmp_path / "moving.gif"))[0, 0].tolist() == [255, 0, 0]


def test_a_large_jpeg_may_be_decoded_at_a_fraction_but_never_below_the_side_asked_for(tmp_path):
    picture(size=(1600, 800)).save(tmp_path / "large.jpg")
    assert read_picture(tmp_path / "large.jpg").size == (1600, 800)
    small = read_picture(tmp_path / "large.jpg", smallest_side=128)
    assert 128 <= min(small.size) < 800


def test_probing_says_size_and_content_hash(tmp_path):
    picture().save(tmp_path / "a.png")
    facts = probe_picture(tmp_path / "a.png")
    assert (facts.width, facts.height) == (40, 20)
    assert facts.sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()


def bomb() -> bytes:
    """A PNG header that claims 20,000 x 20,000 pixels, in a few bytes."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"")]
    framed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def jpeg_bytes(tmp_path) -> bytes:
    picture(size=(400, 400)).save(tmp_path / "whole.jpg")
    return (tmp_path / "whole.jpg").read_bytes()


def turned() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 3
    return {"exif": exif.tobytes()}


def profiled() -> dict[str, bytes]:
    return {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_upright_jpeg_is_plain_and_given_as_it_is(tmp_path, mode):
    picture(mode).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    assert plain_jpeg(tmp_path / "a.jpg", at_most=len(content)) == content
    assert plain_jpeg(tmp_path / "a.jpg", at_most=len(content) - 1) == b""


@pytest.mark.parametrize("made", [turned, profiled])
def test_a_jpeg_that_a_browser_shows_otherwise_is_not_plain(tmp_path, made):
    picture().save(tmp_path / "a.jpg", **made())
    assert plain_jpeg(tmp_path / "a.jpg", at_most=100_000) == b""


@pytest.mark.parametrize("kind", ["CMYK jpeg", "RGB png", "RGB webp", "RGB gif"])
def test_other_kinds_of_picture_are_not_plain(tmp_path, kind):
    mode, form = kind.split()
    picture(mode).save(tmp_path / "a.jpg", form)
    assert plain_jpeg(tmp_path / "a.jpg", at_most=100_000) == b""


@pytest.mark.parametrize("spoil", [lambda whole: b"", lambda whole: whole[:900], lambda whole: whole + b"<html>",
                                   lambda whole: b"GIF" + whole, lambda whole: b"\xff\xd8hello\xff\xd9"])  # fmt: skip
def test_a_file_that_is_more_or_less_than_one_jpeg_is_not_plain(tmp_path, spoil):
    (tmp_path / "a.jpg").write_bytes(spoil(jpeg_bytes(tmp_path)))
    assert plain_jpeg(tmp_path / "a.jpg", at_most=100_000) == b""
    assert plain_jpeg(tmp_path / "missing.jpg", at_most=100_000) == b""


@pytest.mark.parametrize("read", [read_picture, probe_picture])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: b"", "empty"),
        (lambda _: b"hello, I am text", "not a picture"),
        (lambda tmp: jpeg_bytes(tmp)[:900], "cut off"),
        (lambda _: bomb(), "too large"),
    ],
)
def test_a_broken_file_is_told_in_plain_words(tmp_path, read, make, reason):
    path = tmp_path / "broken.jpg"
    path.write_bytes(make(tmp_path))
    with pytest.raises(PictureError, match=reason) as caught:
        read(path)
    assert caught.value.remedy


@pytest.mark.parametrize("read", [read_picture, probe_picture])
def test_a_missing_file_and_a_folder_are_told_apart(tmp_path, read):
    with pytest.raises(PictureError, match="missing"):
        read(tmp_path / "nothing.jpg")
    with pytest.raises(PictureError, match="folder"):
        read(tmp_path)


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "LARGEST_PIXELS", 799)
    picture().save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="40 x 20"):
        read_picture(tmp_path / "a.png")


def test_a_damaged_png_is_told_with_the_decoders_reason(tmp_path):
    picture(size=(200, 200)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[60:80] = bytes(20)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError):
        read_picture(tmp_path / "a.png")
