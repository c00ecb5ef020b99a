"""What a trained trunk sees in each picture, one vector, kept on disk: a head learns from it without the pictures.

A vector is found by the picture's content. So a picture that was moved costs nothing, and one that was changed is
looked at anew.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hmgc_core.errors import OutputError, WorkspaceError
from hmgc_core.feature_files import (
    FOLDER,
    FeatureArray,
    Row,
    folder_of,
    known_rows,
    let_old_go,
    open_shard,
    write_shard,
)
from hmgc_core.learning.contents import contents_of
from hmgc_core.learning.devices import ComputeDevice, memory_told
from hmgc_core.learning.pixel_cache import Pixels, Skipped, decode_pictures
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.records import LOOKING, Progress, Stopped

MEMORY = "contents.json"
ROWS_PER_SHARD = 2048


@dataclass(frozen=True)
class Features:
    """The vectors of pictures, read from disk as they are asked for; stands where `Pixels` stand for a whole model.

    size: side in pixels at which the pictures were looked at. width: F numbers in a vector. rows: for each path asked
    for, where its vector lies, or None where it was skipped.
    """

    size: int
    width: int
    paths: tuple[Path, ...]
    rows: tuple[Row | None, ...]
    skipped: tuple[Skipped, ...]
    shards: dict[Path, FeatureArray]

    @property
    def readable(self) -> list[int]:
        """Places in `paths` of the pictures that have a vector, in order."""
        return [place for place, row in enumerate(self.rows) if row is not None]

    def take(self, places: Sequence[int]) -> FeatureArray:
        """(B, F) of the pictures at these places of `paths`; none may be a skipped one.

        float16, or float32 where a vector has numbers too large for that.
        """
        kinds = {shard.dtype for shard in self.shards.values()}
        batch = np.empty((len(places), self.width), dtype=np.result_type(np.float16, *kinds))
        for i, place in enumerate(places):
            row = self.rows[place]
            if row is None:
                raise IndexError(f"picture {place} was skipped: {self.paths[place]}")
            batch[i] = self.shards[row.shard][row.number]
        return batch


Pictures = Pixels | Features  # what a model, or its head alone, is shown


def features_of(
    eyes: HierarchicalModel,
    paths: Sequence[Path],
    *,
    trunk: str,
    size: int,
    cache: Path,
    compute: ComputeDevice,
    batch_size: int,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Features:
    """The vectors that a model makes of all pictures that can be read, of `size` pixels.

    Only pictures whose content is new are looked at; the model goes to the device for them. trunk: names the weights
    they follow from, see `Checkpoint`. cache: where decoded pictures lie and the vectors go.
    Raises WorkspaceError or OutputError where the disk has no room, OutOfMemory, and Stopped when `should_stop` says
    so: what was seen until then is kept.
    """
    keeper = FeatureKeeper.of(eyes, paths, trunk=trunk, cache=cache, compute=compute, should_stop=should_stop)
    missing = keeper.missing()
    reasons: dict[Path, str] = {}
    if missing:
        lacking = [paths[place] for place in missing]
        pixels = decode_pictures(lacking, size=size, folder=cache, on_progress=on_progress, should_stop=should_stop)
        reasons = {skipped.path: skipped.reason for skipped in pixels.skipped}
        told: dict[str, Any] = {
            "compute": compute,
            "batch_size": batch_size,
            "on_progress": on_progress,
            "should_stop": should_stop,
        }
        with keeper:
            _look(eyes, pixels, missing, keeper, **told)
    rows = tuple(keeper.rows.get(content or "") for content in keeper.contents)
    lost = [path for path, row in zip(paths, rows, strict=True) if row is None]
    let_old_go(keeper.folder)  # it was used, if only read
    return Features(
        size=size,
        width=keeper.width,
        paths=tuple(paths),
        rows=rows,
        skipped=tuple(Skipped(path, reasons.get(path, "it cannot be read")) for path in lost),
        shards={shard: open_shard(shard, keeper.width) for shard in {row.shard for row in rows if row}},
    )


def _look(
    eyes: HierarchicalModel,
    pixels: Pixels,
    places: Sequence[int],
    keeper: "FeatureKeeper",
    *,
    compute: ComputeDevice,
    batch_size: int,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> None:
    """Show pictures to the model and give the keeper, who knows them by `places`, what it sees."""
    eyes.eval()
    compute.place(eyes)
    seeing = pixels.readable
    started_at_s = time.monotonic()
    for start in range(0, len(seeing), batch_size):
        if should_stop():
            raise Stopped
        chunk = seeing[start : start + batch_size]
        what = f"a look at {len(chunk)} pictures of {pixels.size} px at a time"
        with (
            memory_told(what, "choose a smaller batch, or end other programs"),
            torch.inference_mode(),
            compute.autocast(),
        ):
            seen = eyes.features(normalise(compute.send(compute.ready(pixels.take(chunk)))))
        keeper.add([places[place] for place in chunk], seen)
        done = start + len(chunk)
        rate = done / max(time.monotonic() - started_at_s, 1e-6)
        on_progress(Progress(LOOKING, done, len(seeing), rate, (len(seeing) - done) / rate))


@dataclass
class FeatureKeeper:
    """Takes vectors in and writes them in shards; as a context it writes what is left at the end, however it ends.

    contents: of the pictures it is about, in order, None for one that cannot be read. rows: content -> where its vector
    lies, of finished shards. width: F, 0 before the first vector.
    """

    folder: Path
    contents: list[str | None]
    rows: dict[str, Row]
    width: int
    waiting: dict[str, FeatureArray] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        eyes: HierarchicalModel,
        paths: Sequence[Path],
        *,
        trunk: str,
        cache: Path,
        compute: ComputeDevice,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> "FeatureKeeper":
        """What there is of this trunk; in another precision it sees a little else. Raises Stopped, OutputError."""
        precision = "half" if compute.half else "full"
        folder = folder_of(cache, reads=eyes.head_reads, precision=precision, trunk=trunk)
        contents = contents_of(paths, cache / FOLDER / MEMORY, should_stop=should_stop)
        return cls(folder, contents, *known_rows(folder))

    def missing(self) -> list[int]:
        """The places of the pictures that have no vector, each content once, and of those that cannot be read."""
        first: dict[str, int] = {}
        for place, content in enumerate(self.contents):
            if content is None or content not in self.rows:
                first.setdefault(content or f"place {place}", place)
        return list(first.values())

    def add(self, places: Sequence[int], features: Tensor) -> None:
        """Keep the vectors of the pictures at these places, rounded to float16. features: (B, F)."""
        vectors = features.float().cpu().numpy()
        self.width = vectors.shape[1]
        for place, vector in zip(places, vectors, strict=True):
            content = self.contents[place]
            if content is not None and content not in self.rows:
                self.waiting[content] = vector
        if len(self.waiting) >= ROWS_PER_SHARD:
            self._write()

    def __enter__(self) -> "FeatureKeeper":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Write what is left, and let go of the trunks that were used longest ago."""
        self._write()
        let_old_go(self.folder)

    def _write(self) -> None:
        if self.waiting:
            self.rows.update(write_shard(self.folder, self.waiting))
            self.waiting = {}


@dataclass
class SpareKeeper:
    """Keeps what is seen anyway, beside other work: where there is no room the work goes on without it.

    keeper: None where nothing is to be kept.
    """

    keeper: FeatureKeeper | None

    @classmethod
    def of(cls, eyes: HierarchicalModel, paths: Sequence[Path], **given: Any) -> "SpareKeeper":
        """As `FeatureKeeper.of`."""
        try:
            return cls(FeatureKeeper.of(eyes, paths, **given))
        except OutputError:
            return cls(None)

    def add(self, places: Sequence[int], features: Tensor) -> None:
        """As of a FeatureKeeper."""
        self._try(lambda keeper: keeper.add(places, features))

    def end(self) -> None:
        """As of a FeatureKeeper."""
        self._try(FeatureKeeper.end)

    def _try(self, act: Callable[[FeatureKeeper], None]) -> None:
        if self.keeper:
            try:
                act(self.keeper)
            except (OutputError, WorkspaceError):
                self.keeper = None
