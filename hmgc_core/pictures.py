"""Read any picture file robustly: upright RGB, or a PictureError with the reason in plain words. No torch."""

import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from hmgc_core.errors import PictureError

# File endings that count as pictures when a folder is looked through. Reading itself goes by content.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif"}
)

# A larger picture is refused before it is decoded: a few bytes may claim gigabytes.
LARGEST_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS  # Pillow's own limit is a little lower, and only a warning up to twice as far

ORIENTATION = 0x0112  # the EXIF tag: 1 is upright
TRANSPARENT_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


class PictureFacts(NamedTuple):
    """Size in pixels, upright, and the sha256 of the file."""

    width: int
    height: int
    sha256: str


def read_picture(path: Path, *, smallest_side: int | None = None) -> Image.Image:
    """The picture as 8-bit RGB, upright; the first frame of an animation; transparent parts on white.

    smallest_side: the caller will shrink it to no less than this; a JPEG may then be decoded at a fraction of its size.
    Raises PictureError with the reason: missing, empty, no picture, cut off, too large.
    """
    try:
        with _open(path) as image:
            if smallest_side:
                image.draft("RGB", (smallest_side, smallest_side))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image)
    except PictureError:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise a dozen types, of which some are undocumented
        raise _explained(path, error) from error


def plain_jpeg(path: Path, *, at_most: int) -> bytes:
    """The file as it is, where a browser shows it just as `read_picture` reads it; b"" where it must be read.

    Such a file is a JPEG of at most so many bytes: grey or RGB, upright, without a colour profile, and with nothing
    behind its end.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= at_most else b""
        if not (content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")):
            return b""
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            is_upright = image.getexif().get(ORIENTATION, 1) == 1
            is_plain = is_upright and image.mode in ("L", "RGB") and "icc_profile" not in image.info
        return content if is_plain else b""
    except Exception:  # see read_picture, which says what is wrong
        return b""


def probe_picture(path: Path) -> PictureFacts:
    """Read the whole file once and say its size and content hash.

    Raises PictureError as `read_picture` does: what passes here can be read later.
    """
    try:
        with _open(path) as image:
            width, height = image.size
            turned = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)  # these lie on their side
            image.draft("RGB", (1, 1))  # an eighth of a JPEG's size: every byte is still read
            image.load()
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except PictureError:
        raise
    except Exception as error:  # see read_picture
        raise _explained(path, error) from error
    return PictureFacts(height, width, sha256) if turned else PictureFacts(width, height, sha256)


def _open(path: Path) -> Image.Image:
    """The file's header, checked; pixels are not decoded yet."""
    if not path.exists():
        raise PictureError("the file is missing", remedy=f"put it back at {path}, or import the pictures again")
    if path.is_dir():
        raise PictureError("this is a folder", remedy="give a picture file")
    if not path.stat().st_size:
        raise PictureError("the file is empty", remedy="copy it again from where it came from")
    image = Image.open(path)
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        image.close()
        raise _too_large(f"{width} x {height} pixels")
    return image


def _too_large(what: str) -> PictureError:
    return PictureError(
        f"the picture is too large ({what}; the limit is {LARGEST_PIXELS // 1_000_000} million)",
        remedy="make a smaller copy and import that",
    )


def _explained(path: Path, error: Exception) -> PictureError:
    """What a decoder's error means for a person."""
    text = str(error)
    if isinstance(error, UnidentifiedImageError):
        return PictureError("the file is not a picture", remedy="remove it, or convert it to JPEG or PNG")
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return _too_large("far too many pixels")
    if isinstance(error, PermissionError):
        return PictureError("the file may not be read", remedy=f"allow this user to read {path}")
    if "truncated" in text or isinstance(error, EOFError):
        return PictureError("the file is cut off", remedy="copy it again from where it came from")
    return PictureError(
        f"the file is damaged ({text or type(error).__name__})", remedy="copy it again, or leave it out"
    )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    if image.mode in TRANSPARENT_MODES or "transparency" in image.info:
        layered = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Deep grey values scaled, not clipped: integers by 16 bits, floats by the range they seem to use."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    largest = float(values.max(initial=0.0))
    if image.mode.startswith("I;16") or largest > 255:
        full = max(65535.0, largest)
    elif image.mode == "F" and largest <= 1:
        full = 1.0
    else:
        full = 255.0
    return Image.fromarray(np.clip(values * (255 / full) + 0.5, 0, 255).astype(np.uint8))
