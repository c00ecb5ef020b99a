"""Images: one row per distinct content, any number of places where it lies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.records import ImageRecord, Split
from hmgc_core.splits import priority_of
from hmgc_core.store.schema import annotation, folder, image, image_path, image_tally, node, now, prediction, word

CHUNK = 500  # ids in one statement: SQLite takes a limited number of parameters


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
    found = connection.execute(sa.select(folder.c.id).where(folder.c.path == str(path))).scalar()
    if found is None:
        inserted = connection.execute(folder.insert().values(path=str(path))).inserted_primary_key
        assert inserted is not None
        found = inserted[0]
    return int(found)


def folders(connection: sa.Connection) -> dict[int, Path]:
    """Every folder with referenced pictures, by id."""
    return {row.id: Path(row.path) for row in connection.execute(sa.select(folder).order_by(folder.c.id))}


def path_counts(connection: sa.Connection) -> dict[int, int]:
    """folder id -> number of picture paths in it."""
    query = sa.select(image_path.c.folder_id, sa.func.count()).group_by(image_path.c.folder_id)
    return dict(connection.execute(query).all())


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
            image.c.sha256.in_(wanted[start : start + CHUNK])
        )
        found.update({row.sha256: (row.id, row.split) for row in connection.execute(query)})
    return found


def add(connection: sa.Connection, pictures: Sequence[FoundPicture]) -> None:
    """Store pictures whose content is new, each once."""
    moment = now()
    connection.execute(
        image.insert(),
        [
            {
                "sha256": picture.sha256,
                "width": picture.width,
                "height": picture.height,
                "split": picture.split,
                "priority": priority_of(picture.sha256),
                "words": 0,
                "created_at": moment,
            }
            for picture in pictures
        ],
    )
    splits = [picture.split for picture in pictures]
    for split in dict.fromkeys(splits):
        change_tally(connection, split, labelled=False, by=splits.count(split))


def add_paths(connection: sa.Connection, folder_id: int, paths: dict[str, int]) -> None:
    """Store where images lie: path inside the folder -> image id. A path seen again points to its new content."""
    known = {path: row for path, (row, _) in known_paths(connection, folder_id, paths).items()}
    fresh = [{"folder_id": folder_id, "path": p, "image_id": i} for p, i in paths.items() if p not in known]
    again = [{"row": known[p], "image": i} for p, i in paths.items() if p in known]
    if fresh:
        connection.execute(image_path.insert(), fresh)
    if again:
        update = image_path.update().where(image_path.c.id == sa.bindparam("row"))
        connection.execute(update.values(image_id=sa.bindparam("image")), again)


def change_tally(connection: sa.Connection, split: str, *, labelled: bool, by: int) -> None:
    """Add `by` to the number of (un)labelled images of a split."""
    match = (image_tally.c.split == split) & (image_tally.c.labelled == labelled)
    changed = connection.execute(image_tally.update().where(match).values(total=image_tally.c.total + by)).rowcount
    if not changed:
        connection.execute(image_tally.insert().values(split=split, labelled=labelled, total=by))


def tallies(connection: sa.Connection) -> dict[tuple[Split, bool], int]:
    """(split, labelled) -> number of images."""
    return {(row.split, row.labelled): row.total for row in connection.execute(sa.select(image_tally))}


def _with_path() -> sa.Select:
    first = (
        sa.select(sa.func.min(image_path.c.id))
        .where(image_path.c.image_id == image.c.id)
        .scalar_subquery()
        .correlate(image)
    )
    return (
        sa.select(image, image_path.c.path.label("inner_path"), folder.c.path.label("folder_path"))
        .join(image_path, image_path.c.id == first)
        .join(folder, folder.c.id == image_path.c.folder_id)
    )


def _record(row: sa.Row) -> ImageRecord:
    return ImageRecord(row.id, Path(row.folder_path) / row.inner_path, row.sha256, row.width, row.height, row.split)


def get(connection: sa.Connection, image_id: int) -> ImageRecord | None:
    """The image with this id."""
    row = connection.execute(_with_path().where(image.c.id == image_id)).first()
    return _record(row) if row else None


def get_many(connection: sa.Connection, image_ids: Sequence[int]) -> dict[int, ImageRecord]:
    """The images with these ids; unknown ids are left out."""
    found: dict[int, ImageRecord] = {}
    for start in range(0, len(image_ids), CHUNK):
        query = _with_path().where(image.c.id.in_(image_ids[start : start + CHUNK]))
        found.update({row.id: _record(row) for row in connection.execute(query)})
    return found


def all_images(connection: sa.Connection) -> list[ImageRecord]:
    """Every image, by id."""
    return [_record(row) for row in connection.execute(_with_path().order_by(image.c.id))]


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


def next_unlabelled(connection: sa.Connection, *, after: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """(priority, id) of the next images without a label, in queue order after this place; uses the index alone."""
    priority, number = after
    query = (
        sa.select(image.c.priority, image.c.id)
        .where(image.c.words == 0)
        .where(sa.tuple_(image.c.priority, image.c.id) > sa.tuple_(sa.literal(priority), sa.literal(number)))
        .order_by(image.c.priority, image.c.id)
        .limit(count)
    )
    return [(row.priority, row.id) for row in connection.execute(query)]


def unlabelled_among(connection: sa.Connection, image_ids: Sequence[int]) -> set[int]:
    """Those of these images that nobody has labelled."""
    found: set[int] = set()
    for start in range(0, len(image_ids), CHUNK):
        wanted = image.c.id.in_(image_ids[start : start + CHUNK])
        found.update(connection.execute(sa.select(image.c.id).where(wanted & (image.c.words == 0))).scalars())
    return found


def words_since(connection: sa.Connection, annotation_id: int) -> list[tuple[int, int]]:
    """(id, number of words now) of each image about which something was said or taken back after this annotation."""
    spoken_of = sa.select(annotation.c.image_id).where(annotation.c.id > annotation_id)
    query = sa.select(image.c.id, image.c.words).where(image.c.id.in_(spoken_of))
    return [(row.id, row.words) for row in connection.execute(query)]


def at_or_below(connection: sa.Connection, taxonomy_id: int, key: str, *, offset: int, count: int) -> list[int]:
    """Ids of images whose current label is this node or one below it, a page of them."""
    inside = _subtree_keys(taxonomy_id, key)
    query = (
        sa.select(word.c.image_id)
        .where(word.c.kind.in_(("is", "none_here")) & word.c.node_key.in_(inside))
        .distinct()
        .order_by(word.c.image_id)
        .offset(offset)
        .limit(count)
    )
    return [row.image_id for row in connection.execute(query)]


def predicted_at_or_below(
    connection: sa.Connection, taxonomy_id: int, key: str, run_id: int, *, offset: int, count: int
) -> list[int]:
    """Ids of images that a run places at this node or below it, the surest first, a page of them."""
    inside = _subtree_keys(taxonomy_id, key)
    query = (
        sa.select(prediction.c.image_id)
        .where((prediction.c.run_id == run_id) & prediction.c.node_key.in_(inside))
        .order_by(prediction.c.probability.desc(), prediction.c.image_id)
        .offset(offset)
        .limit(count)
    )
    return [row.image_id for row in connection.execute(query)]


def _subtree_keys(taxonomy_id: int, key: str) -> sa.Select:
    top = node.alias("top")
    return (
        sa.select(node.c.key)
        .join(top, (top.c.taxonomy_id == node.c.taxonomy_id) & (top.c.key == key))
        .where(node.c.taxonomy_id == taxonomy_id)
        .where((node.c.position >= top.c.position) & (node.c.position < top.c.subtree_end))
    )
