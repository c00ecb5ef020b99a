"""Images: one row per distinct content, any number of places where it lies.

A picture that was taken out (see places) keeps its row: it lies nowhere and its `words` are OUT, so that no query over
places or words meets it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.records import ImageRecord, Split
from hmgc_core.splits import priority_of
from hmgc_core.store.schema import (
    folder,
    former_place,
    image,
    image_path,
    image_tally,
    now,
)

CHUNK = 500  # ids in one statement: SQLite takes a limited number of parameters
OUT = -1
BETWEEN_ORIGINALS = "\n"


@dataclass(frozen=True)
class FoundPicture:
    """A picture file that was read: where it lies inside its folder, and what it is."""

    path: str
    sha256: str
    width: int
    height: int
    split: Split


def folder_id(connection: sa.Connection, path: Path) -> int:
    """The row of a folder that holds referenced pictures, made if need be."""
    found = find_folder(connection, path)
    if found is None:
        inserted = connection.execute(folder.insert().values(path=str(path))).inserted_primary_key
        assert inserted is not None
        found = inserted[0]
    return int(found)


def find_folder(connection: sa.Connection, path: Path) -> int | None:
    """The row of a folder, None where nothing was imported from it."""
    return connection.execute(sa.select(folder.c.id).where(folder.c.path == str(path))).scalar()


def folders(connection: sa.Connection) -> dict[int, Path]:
    """Every folder with referenced pictures, by id."""
    return {row.id: Path(row.path) for row in connection.execute(sa.select(folder).order_by(folder.c.id))}


def path_counts(connection: sa.Connection) -> dict[int, int]:
    """folder id -> number of picture paths in it."""
    query = sa.select(image_path.c.folder_id, sa.func.count()).group_by(image_path.c.folder_id)
    return dict(connection.execute(query).all())


def all_paths(connection: sa.Connection) -> list[tuple[int, str]]:
    """(folder id, path inside it) of every place where an image lies."""
    return [
        (row.folder_id, row.path) for row in connection.execute(sa.select(image_path.c.folder_id, image_path.c.path))
    ]


def move_folder(connection: sa.Connection, old: Path, new: Path) -> int:
    """Point a moved folder to its new place; returns how many rows changed (0: no such folder)."""
    return connection.execute(folder.update().where(folder.c.path == str(old)).values(path=str(new))).rowcount


def known_paths(connection: sa.Connection, folder_id: int, paths: Iterable[str]) -> dict[str, tuple[int, str]]:
    """path -> (row, sha256) for those of these paths inside a folder that are known."""
    wanted = list(dict.fromkeys(paths))
    found: dict[str, tuple[int, str]] = {}
    for start in range(0, len(wanted), CHUNK):
        query = (
            sa.select(image_path.c.path, image_path.c.id, image.c.sha256)
            .join(image)
            .where((image_path.c.folder_id == folder_id) & image_path.c.path.in_(wanted[start : start + CHUNK]))
        )
        found.update({row.path: (row.id, row.sha256) for row in connection.execute(query)})
    return found


def by_sha256(connection: sa.Connection, hashes: Iterable[str]) -> dict[str, tuple[int, Split]]:
    """sha256 -> (image id, split) of those that are known."""
    wanted = list(dict.fromkeys(hashes))
    found: dict[str, tuple[int, Split]] = {}
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(image.c.sha256, image.c.id, image.c.split).where(
            image.c.sha256.in_(wanted[start : start + CHUNK]) & (image.c.words > OUT)
        )
        found.update({row.sha256: (row.id, row.split) for row in connection.execute(query)})
    return found


def add(connection: sa.Connection, pictures: Sequence[FoundPicture], *, import_id: int | None = None) -> None:
    """Store pictures whose content is new, or was taken out again, each once."""
    moment = now()
    rows = [
        {
            "sha256": picture.sha256,
            "width": picture.width,
            "height": picture.height,
            "split": picture.split,
            "priority": priority_of(picture.sha256),
            "words": 0,
            "created_at": moment,
            "import_id": import_id,
        }
        for picture in pictures
    ]
    out = _taken_out(connection, [picture.sha256 for picture in pictures])
    fresh = [row for row in rows if row["sha256"] not in out]
    if fresh:
        connection.execute(image.insert(), fresh)
    if out:
        update = image.update().where(image.c.id == sa.bindparam("row"))
        update = update.values(words=0, split=sa.bindparam("as_split"), import_id=import_id)
        back = [{"row": out[p.sha256], "as_split": p.split} for p in pictures if p.sha256 in out]
        connection.execute(update, back)
        connection.execute(former_place.delete().where(former_place.c.image_id.in_(out.values())))
    splits = [picture.split for picture in pictures]
    for split in dict.fromkeys(splits):
        change_tally(connection, split, labelled=False, by=splits.count(split))


def _taken_out(connection: sa.Connection, hashes: Sequence[str]) -> dict[str, int]:
    query = sa.select(image.c.sha256, image.c.id).where(image.c.sha256.in_(hashes) & (image.c.words == OUT))
    return dict(connection.execute(query).all())


# On the way of every label: making a statement costs more than SQLite takes to carry it out.
_TALLY = (
    image_tally.update()
    .where((image_tally.c.split == sa.bindparam("of_split")) & (image_tally.c.labelled == sa.bindparam("of_labelled")))
    .values(total=image_tally.c.total + sa.bindparam("more"))
)
_MOVE_TALLIES = (
    image_tally.update()
    .where(image_tally.c.split == sa.bindparam("of_split"))
    .values(total=image_tally.c.total + sa.bindparam("more") * sa.case((image_tally.c.labelled, 1), else_=-1))
)
_TALLIES = sa.select(image_tally)
_WORDS = sa.select(image.c.id, image.c.words).where(image.c.id.in_(sa.bindparam("ids", expanding=True)))


def change_tally(connection: sa.Connection, split: str, *, labelled: bool, by: int) -> None:
    """Add `by` to the number of (un)labelled images of a split."""
    if not connection.execute(_TALLY, {"of_split": split, "of_labelled": labelled, "more": by}).rowcount:
        connection.execute(image_tally.insert().values(split=split, labelled=labelled, total=by))


def move_tally(connection: sa.Connection, split: str, *, to_labelled: int) -> None:
    """Count so many images of a split as labelled that counted as unlabelled; below 0 the reverse."""
    if connection.execute(_MOVE_TALLIES, {"of_split": split, "more": to_labelled}).rowcount == 2:
        return
    there = set(connection.execute(sa.select(image_tally.c.labelled).where(image_tally.c.split == split)).scalars())
    for labelled in {True, False} - there:  # the first of their kind
        total = to_labelled if labelled else -to_labelled
        connection.execute(image_tally.insert().values(split=split, labelled=labelled, total=total))


def tallies(connection: sa.Connection) -> dict[tuple[Split, bool], int]:
    """(split, labelled) -> number of images."""
    return {(row.split, row.labelled): row.total for row in connection.execute(_TALLIES)}


def _with_path() -> sa.Select:
    first = (
        sa.select(sa.func.min(image_path.c.id))
        .where(image_path.c.image_id == image.c.id)
        .scalar_subquery()
        .correlate(image)
    )
    return (
        sa.select(
            image, image_path.c.path.label("inner_path"), image_path.c.original, folder.c.path.label("folder_path")
        )
        .join(image_path, image_path.c.id == first)
        .join(folder, folder.c.id == image_path.c.folder_id)
    )


def _record(row: sa.Row) -> ImageRecord:
    path = Path(row.folder_path) / row.inner_path
    return ImageRecord(row.id, path, row.sha256, row.width, row.height, row.split, originals(row.original))


def originals(kept: str | None) -> tuple[str, ...]:
    """Where a copy came from, as people know it: the names that a place keeps. None of a picture that is no copy."""
    return tuple(kept.split(BETWEEN_ORIGINALS)) if kept else ()


_ONE = _with_path().where(image.c.id == sa.bindparam("id"))  # asked for each picture that is shown


def get(connection: sa.Connection, image_id: int) -> ImageRecord | None:
    """The image with this id."""
    row = connection.execute(_ONE, {"id": image_id}).first()
    return _record(row) if row else None


def get_many(connection: sa.Connection, image_ids: Sequence[int]) -> dict[int, ImageRecord]:
    """The images with these ids; unknown ids are left out."""
    found: dict[int, ImageRecord] = {}
    for start in range(0, len(image_ids), CHUNK):
        query = _with_path().where(image.c.id.in_(image_ids[start : start + CHUNK]))
        found.update({row.id: _record(row) for row in connection.execute(query)})
    return found


def words(connection: sa.Connection, image_ids: Sequence[int]) -> dict[int, int]:
    """Image id -> how many people say something about it, OUT where it is taken out; unknown ids are left out."""
    found: dict[int, int] = {}
    for start in range(0, len(image_ids), CHUNK):
        found.update(connection.execute(_WORDS, {"ids": image_ids[start : start + CHUNK]}).all())
    return found


def all_images(connection: sa.Connection) -> list[ImageRecord]:
    """Every image, by id."""
    return [_record(row) for row in connection.execute(_with_path().order_by(image.c.id))]


def since(connection: sa.Connection, moment: datetime) -> set[int]:
    """Ids of the images that came later than this moment."""
    return set(connection.execute(sa.select(image.c.id).where(image.c.created_at > moment)).scalars())


def some_images(connection: sa.Connection, count: int) -> list[ImageRecord]:
    """So many images by chance, all where there are fewer."""
    chosen = connection.execute(sa.select(image.c.id).order_by(sa.func.random()).limit(count)).scalars().all()
    return list(get_many(connection, chosen).values())


def find_by_path(connection: sa.Connection, path: Path) -> ImageRecord | None:
    """The image that lies at this absolute path."""
    for number, base in folders(connection).items():
        if path.is_relative_to(base):
            query = sa.select(image_path.c.image_id).where(
                (image_path.c.folder_id == number) & (image_path.c.path == path.relative_to(base).as_posix())
            )
            found = connection.execute(query).scalar()
            if found is not None:
                return get(connection, found)
    return None
