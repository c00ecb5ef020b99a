"""Where images lie: places are added, get another content, and are given up so that they can come back.

An image that is given up, because its import was taken back or its file got another content, keeps its row: ids are
never used twice, and a label that comes late from an open page finds its picture.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hmgc_core.store import images
from hmgc_core.store.schema import former_place, image, image_path, prediction


def add(connection: sa.Connection, folder_id: int, paths: dict[str, int], *, import_id: int | None = None) -> None:
    """Store where images lie: path inside the folder -> image id. A path seen again points to its new content."""
    known = images.known_paths(connection, folder_id, paths)
    fresh = [
        {"folder_id": folder_id, "path": p, "image_id": i, "import_id": import_id}
        for p, i in paths.items()
        if p not in known
    ]
    if fresh:
        connection.execute(image_path.insert(), fresh)
    _replace(connection, {known[p][0]: i for p, i in paths.items() if p in known}, import_id)


def note_originals(connection: sa.Connection, folder_id: int, originals: Mapping[str, Sequence[str]]) -> None:
    """Add where copies came from, as people know it, to their places: path inside the folder -> names.

    A name stays when the import that gave it is taken back and the picture is not.
    """
    update = image_path.update().where(image_path.c.id == sa.bindparam("row")).values(original=sa.bindparam("names"))
    for paths in _chunks(list(originals)):
        here = (image_path.c.folder_id == folder_id) & image_path.c.path.in_(paths)
        changed = []
        for row in connection.execute(sa.select(image_path.c.id, image_path.c.path, image_path.c.original).where(here)):
            came = (name.replace(images.BETWEEN_ORIGINALS, " ") for name in originals[row.path])
            names = images.BETWEEN_ORIGINALS.join(dict.fromkeys((*images.originals(row.original), *came)))
            if names != row.original:
                changed.append({"row": row.id, "names": names})
        if changed:
            connection.execute(update, changed)


def _replace(connection: sa.Connection, contents: dict[int, int], import_id: int | None) -> None:
    """Point places (rows) to the images that lie there now; an unlabelled image that lies nowhere any more is out."""
    rows: list[sa.Row] = []
    for ids in _chunks(list(contents)):
        rows += connection.execute(sa.select(image_path).where(image_path.c.id.in_(ids))).all()
    changed = [row for row in rows if row.image_id != contents[row.id]]
    if not changed:
        return
    if import_id is not None:
        former = [
            {"import_id": import_id, "image_id": row.image_id, "folder_id": row.folder_id, "path": row.path,
             "original": row.original, "replaced": True}
            for row in changed
        ]  # fmt: skip
        connection.execute(former_place.insert(), former)
    update = image_path.update().where(image_path.c.id == sa.bindparam("row")).values(image_id=sa.bindparam("image"))
    connection.execute(update, [{"row": row.id, "image": contents[row.id]} for row in changed])
    set_out_lost(connection, [row.image_id for row in changed])


def set_out_lost(connection: sa.Connection, image_ids: Sequence[int]) -> None:
    """Those of these images that lie nowhere any more, and about which nobody says anything, are out."""
    for ids in _chunks(list(image_ids)):
        lying = sa.select(image_path.c.image_id).where(image_path.c.image_id.in_(ids))
        lost = image.c.id.in_(ids) & image.c.id.not_in(lying) & (image.c.words == 0)
        _set_out(connection, connection.execute(sa.select(image.c.id, image.c.split).where(lost)).all())


def _set_out(connection: sa.Connection, pictures: Sequence[sa.Row]) -> None:
    """Take unlabelled pictures (id, split) out of the queue and the counts."""
    for some in _chunks(list(pictures)):
        connection.execute(image.update().where(image.c.id.in_([row.id for row in some])).values(words=images.OUT))
        splits = [row.split for row in some]
        for split in dict.fromkeys(splits):
            images.change_tally(connection, split, labelled=False, by=-splits.count(split))


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), images.CHUNK):
        yield items[start : start + images.CHUNK]


def take_out(connection: sa.Connection, image_ids: Sequence[int], *, import_id: int) -> None:
    """Take pictures without a word out, with their places and predictions; `put_back` and `add` bring them back."""
    for ids in _chunks(list(image_ids)):
        places = image_path.c.image_id.in_(ids)
        columns = ["import_id", "image_id", "folder_id", "path", "original", "replaced"]
        values = sa.select(
            sa.literal(import_id), image_path.c.image_id, image_path.c.folder_id, image_path.c.path,
            image_path.c.original, sa.false(),
        )  # fmt: skip
        connection.execute(former_place.insert().from_select(columns, values.where(places)))
        connection.execute(image_path.delete().where(places))
        here = image.c.id.in_(ids) & (image.c.words == 0)
        _set_out(connection, connection.execute(sa.select(image.c.id, image.c.split).where(here)).all())
    # In one go: predictions are found by run, so each look for single images would read them all.
    gone = sa.select(image.c.id).where(image.c.words == images.OUT)
    connection.execute(prediction.delete().where(prediction.c.image_id.in_(gone)))


def put_back(connection: sa.Connection, image_ids: Iterable[int]) -> set[int]:
    """Bring images back to where they lay when they were taken out; returns those that were out."""
    back = _put_in(connection, image_ids)
    for image_id in back:
        for place in connection.execute(sa.select(former_place).where(former_place.c.image_id == image_id)).all():
            here = (image_path.c.folder_id == place.folder_id) & (image_path.c.path == place.path)
            if connection.execute(sa.select(image_path.c.id).where(here)).first() is None:
                columns = ("image_id", "folder_id", "path", "original", "import_id")
                connection.execute(image_path.insert().values({name: getattr(place, name) for name in columns}))
        connection.execute(former_place.delete().where(former_place.c.image_id == image_id))
    return back


def give_back(connection: sa.Connection, going: Sequence[int], *, staying: Collection[int], import_id: int) -> None:
    """Undo what an import did to places: its images in `going` are taken out, those in `staying` keep their places.

    Where it put another content in a place, the former image lies again; further places it found are forgotten.
    """
    replaced = (former_place.c.import_id == import_id) & former_place.c.replaced
    for place in connection.execute(sa.select(former_place).where(replaced)).all():
        here = (image_path.c.folder_id == place.folder_id) & (image_path.c.path == place.path)
        now_there = connection.execute(sa.select(image_path).where(here)).first()
        if now_there is not None and now_there.image_id not in staying:
            connection.execute(image_path.update().where(here).values(image_id=place.image_id))
            connection.execute(former_place.delete().where(former_place.c.id == place.id))
            _put_in(connection, [place.image_id])
    take_out(connection, going, import_id=import_id)
    added = sa.select(image_path.c.id, image_path.c.image_id).where(image_path.c.import_id == import_id)
    for rows in _chunks([row.id for row in connection.execute(added) if row.image_id not in staying]):
        connection.execute(image_path.delete().where(image_path.c.id.in_(rows)))


_THAT_ARE_OUT = sa.select(image.c.id, image.c.split).where(
    image.c.id.in_(sa.bindparam("ids", expanding=True)) & (image.c.words == images.OUT)
)


def _put_in(connection: sa.Connection, image_ids: Iterable[int]) -> set[int]:
    """Let images that were out count again; returns which."""
    ids = list(image_ids)
    found = connection.execute(_THAT_ARE_OUT, {"ids": ids}).all() if ids else []
    for row in found:
        connection.execute(image.update().where(image.c.id == row.id).values(words=0))
        images.change_tally(connection, row.split, labelled=False, by=1)
    return {row.id for row in found}
