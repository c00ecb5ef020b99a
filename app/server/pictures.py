"""The route that sends pictures, at a few sizes that are kept on disk once made.

Pictures are made anew as JPEG. One kind of file is sent as it is: a small upright JPEG wanted at its own size.
"""

import contextlib
import io
import os
import threading
from pathlib import Path
from typing import NamedTuple

import anyio
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from app.security import fingerprint
from app.server.answers import RequestError, whole_number
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from hmgc_core.pictures import plain_jpeg, read_picture
from hmgc_core.records import ImageRecord
from hmgc_core.workflow import pictures
from hmgc_core.workflow.workspaces import Workspace

# Longest sides in pixels. A wanted width is answered with the next larger one, so that few files are kept.
# The last two are for looking closer.
WIDTHS = (96, 192, 320, 640, 960, 1280, 1920, 3840, 7680)
DEFAULT_WIDTH = 1280
# A heavier file is made anew even where its size is the one that is wanted.
HEAVIEST = 512 * 1024

# A picture never changes under its number, but another workspace on the same port uses the number for another one. A
# year for an address that names the workspace (`of`), an hour for one that does not.
OF_WORKSPACE = "private, max-age=31536000, immutable"
OF_NUMBER = "private, max-age=3600, immutable"

# Decoding takes memory and a core: what comes at once waits here, outside the threads that store labels.
DECODERS = anyio.CapacityLimiter(max(2, os.cpu_count() or 2))


async def image(request: Request) -> Response:
    """One image as JPEG, its longest side about `w` pixels, never enlarged. `of`: the workspace's fingerprint."""
    number = whole_number(request.path_params["id"], "an image")
    wanted = whole_number(request.query_params.get("w", str(DEFAULT_WIDTH)), "pixels")
    of = request.query_params.get("of")
    ws = workspace()
    if of not in (None, fingerprint(ws.secret())):
        raise RequestError(404, f"image {number} belongs to another workspace", remedy="reload the page")
    kept = await in_thread(READS, _kept, ws, number, wanted)
    body = kept.body or await anyio.to_thread.run_sync(_made, kept, limiter=DECODERS)
    headers = {"cache-control": OF_WORKSPACE if of else OF_NUMBER, "x-content-type-options": "nosniff"}
    return Response(body, media_type="image/jpeg", headers=headers)


def _side(record: ImageRecord, wanted: int) -> int:
    """The width to make: of WIDTHS, and no larger than the picture needs."""
    wanted = min(wanted, max(record.width, record.height))
    return next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])


class _Kept(NamedTuple):
    """A picture at one size, and where it is kept. body: the file's content, b"" before it is made."""

    source: Path
    side: int
    file: Path
    body: bytes


def _kept(ws: Workspace, number: int, wanted: int) -> _Kept:
    record = pictures.image(ws, number)
    side = _side(record, wanted)
    if side >= max(record.width, record.height) and (small := plain_jpeg(record.path, at_most=HEAVIEST)):
        return _Kept(record.path, side, record.path, small)
    file = ws.cache / "thumbnails" / record.sha256[:2] / f"{record.sha256}-{side}.jpg"
    return _Kept(record.path, side, file, content(file))


def content(path: Path) -> bytes:
    """What is in a file, nothing where there is none."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _made(kept: _Kept) -> bytes:
    source, side, file, _ = kept
    picture = read_picture(source, smallest_side=side)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    # Small pictures are shown enlarged, where halved colour would be seen.
    fine = side <= 320
    picture.save(buffer, "JPEG", quality=92 if fine else 86, subsampling=0 if fine else 2)
    body = buffer.getvalue()
    with contextlib.suppress(OSError):  # a full disk costs the next visitor some time, nothing more
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        draft.write_bytes(body)
        draft.replace(file)
    return body
