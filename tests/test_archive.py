"""Zips of every bad kind: what is good comes out, the rest is named; nothing leaves the folder or fills the disk."""

import io
import resource
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import upcoming, write_picture
from PIL import Image

from hmgc_core.errors import ArchiveError, HmgcError, WorkspaceError
from hmgc_core.exchange import archive
from hmgc_core.exchange.archive import unpack
from hmgc_core.workflow import import_plan, imports, labelling
from hmgc_core.workflow.workspaces import Workspace


def picture(number: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256 % 256, 7)).save(file, "PNG")
    return file.getvalue()


def make_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/etc/out.png", "C:\\out.png", "..\\out.png", "a\\..\\..\\out.png"]
)
def test_a_name_that_leaves_the_folder_is_a_named_skip(tmp_path: Path, name: str) -> None:
    done = unpack(make_zip(tmp_path / "a.zip", {name: picture(), "good.png": picture(1)}), tmp_path / "in" / "deep")
    assert list(done.files) == ["good.png"]
    assert [reason for _, reason in done.left_out] == ["its path leaves the archive's folder"]
    assert [path for path in files_under(tmp_path) if not path.is_relative_to(tmp_path / "in" / "deep")] == [
        tmp_path / "a.zip"
    ]


def test_backslashes_of_old_windows_programs_are_folders(tmp_path: Path) -> None:
    done = unpack(make_zip(tmp_path / "a.zip", {"birds\\owl.png": picture()}), tmp_path / "in")
    assert list(done.files) == ["birds/owl.png"]


def test_a_link_is_left_out(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    done = unpack(tmp_path / "a.zip", tmp_path / "in")
    assert done.files == {}
    assert done.left_out == [("link.png", "it is a link, not a file")]


def test_archives_inside_are_counted_and_not_opened(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"a.png": picture()}).read_bytes()
    done = unpack(make_zip(tmp_path / "a.zip", {"more.zip": inner, "more.tar.gz": inner, "b.png": picture()}), tmp_path)
    assert list(done.files) == ["b.png"]
    assert {reason for _, reason in done.left_out} == {"an archive inside an archive is not opened"}
    assert len(done.left_out) == 2


def test_hidden_files_and_those_of_macos_are_passed_over_in_silence(tmp_path: Path) -> None:
    members = {"__MACOSX/._a.png": b"x", ".hidden.png": b"x", "b/.DS_Store": b"x", "a.png": picture(), "read.me": b"x"}
    done = unpack(make_zip(tmp_path / "a.zip", members), tmp_path / "in")
    assert (list(done.files), done.left_out, done.others) == (["a.png"], [], 1)


def test_names_that_are_long_odd_or_doubled_do_no_harm(tmp_path: Path) -> None:
    long = "x" * 296 + ".png"
    members = {long: picture(), "鳥/フクロウ.png": picture(1), "a\tb<i>.png": picture(2), "Ä.PNG": picture(3)}
    path = make_zip(tmp_path / "a.zip", members)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("Ä.PNG", picture(4))
    done = unpack(path, tmp_path / "in")
    assert set(done.files) == set(members)
    assert all(file.read_bytes() == members[name] for name, file in done.files.items())
    assert done.left_out == [("Ä.PNG", "the archive holds two files of this name; the first stays")]


def test_utf8_names_that_do_not_say_so_are_read_as_utf8(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"eule-xx.png": picture()})
    raw = path.read_bytes().replace(
        b"eule-xx.png", "eule-ä.png".encode()
    )  # the flag for UTF-8 stays unset, as on macOS
    path.write_bytes(raw)
    assert list(unpack(path, tmp_path / "in").files) == ["eule-ä.png"]


def lock(path: Path, *names: str) -> Path:
    """Set the flag that says a member is encrypted, in both of its headers."""
    raw = bytearray(path.read_bytes())
    for signature, flags_at, name_at, length_at in ((b"PK\3\4", 6, 30, 26), (b"PK\1\2", 8, 46, 28)):
        place = raw.find(signature)
        while place >= 0:
            (length,) = struct.unpack_from("<H", raw, place + length_at)
            if bytes(raw[place + name_at : place + name_at + length]).decode() in names:
                raw[place + flags_at] |= 1
            place = raw.find(signature, place + 4)
    path.write_bytes(raw)
    return path


def test_a_locked_picture_is_a_skip_and_a_locked_archive_an_error(tmp_path: Path) -> None:
    path = lock(make_zip(tmp_path / "a.zip", {"a.png": picture(), "b.png": picture(1)}), "a.png")
    done = unpack(path, tmp_path / "in")
    assert (list(done.files), done.left_out) == (["b.png"], [("a.png", "it is locked with a password")])
    with pytest.raises(ArchiveError, match="locked with a password") as caught:
        unpack(lock(path, "b.png"), tmp_path / "in2")
    assert caught.value.remedy


def bomb(path: Path) -> Path:
    return make_zip(path, {f"{place}.png": bytes(3_000_000) for place in range(4)})


def lie_about_sizes(path: Path) -> Path:
    """Headers that promise a hundred bytes for each member."""
    raw = bytearray(path.read_bytes())
    for signature, size_at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = raw.find(signature)
        while place >= 0:
            struct.pack_into("<I", raw, place + size_at, 100)
            place = raw.find(signature, place + 4)
    path.write_bytes(raw)
    return path


def test_a_bomb_is_stopped_by_the_bytes_that_come_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bomb(tmp_path / "a.zip")
    assert path.stat().st_size < 20_000
    monkeypatch.setenv("HMGC_UNPACKED_GB", "0.005")
    with pytest.raises(ArchiveError, match="far more than it should") as caught:
        unpack(path, tmp_path / "in")
    assert "HMGC_UNPACKED_GB" in caught.value.remedy


def test_a_bomb_is_stopped_by_its_ratio_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SMALL", 1_000_000)
    with pytest.raises(ArchiveError, match="far more than it should"):
        unpack(bomb(tmp_path / "a.zip"), tmp_path / "in")


def test_headers_that_lie_about_sizes_gain_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMGC_UNPACKED_GB", "0.005")
    try:
        done = unpack(lie_about_sizes(bomb(tmp_path / "a.zip")), tmp_path / "in")
        assert {reason for _, reason in done.left_out} == {"it is damaged in the archive"}
    except ArchiveError:
        pass
    assert sum(path.stat().st_size for path in files_under(tmp_path)) < 6_000_000


def test_one_member_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_FILE", 2_000_000)
    path = make_zip(tmp_path / "a.zip", {"large.png": bytes(3_000_000), "small.png": picture()})
    done = unpack(path, tmp_path / "in")
    assert (list(done.files), done.left_out) == (["small.png"], [("large.png", "it unpacks to more than 2 MB")])


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def spoil(content: bytes) -> bytes:
    place = content.index(b"IDAT")
    return content[:place] + b"XXXXXXXX" + content[place + 8 :]


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", b"PK\3\4" + bytes(60)])
def test_what_is_no_zip_is_a_named_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError, match="not a zip that can be read" if content else "a.zip is empty") as caught:
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert caught.value.remedy


@pytest.mark.parametrize(("harm", "words"), [(cut, "cut off"), (lambda content: content[:-10], "cut off")])
def test_a_truncated_zip_is_a_named_error(tmp_path: Path, harm: Callable[[bytes], bytes], words: str) -> None:
    path = make_zip(tmp_path / "a.zip", {f"{place}.png": picture(place) for place in range(20)}, zipfile.ZIP_STORED)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(ArchiveError, match=words):
        unpack(path, tmp_path / "in")


def test_a_damaged_member_is_a_skip_and_the_others_come(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.png": picture(), "b.png": picture(1)}, zipfile.ZIP_STORED)
    path.write_bytes(spoil(path.read_bytes()))
    done = unpack(path, tmp_path / "in")
    assert (list(done.files), done.left_out) == (["b.png"], [("a.png", "it is damaged in the archive")])


def test_any_byte_may_be_wrong_and_it_is_a_skip_or_a_named_error(tmp_path: Path) -> None:
    whole = make_zip(tmp_path / "a.zip", {"a.png": picture(), "b.csv": b"path,label\na.png,owl\n"}).read_bytes()
    for place in range(len(whole)):
        (tmp_path / "b.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            unpack(tmp_path / "b.zip", tmp_path / f"in{place}")
        except HmgcError as error:
            assert error.remedy


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_LIST", 500)
    with pytest.raises(ArchiveError, match="far too many files"):
        unpack(make_zip(tmp_path / "a.zip", {f"{place}.png": b"x" for place in range(11)}), tmp_path / "in")


def with_zip64(content: bytes, *, told: int = 0) -> bytes:
    """The zip with its sizes in a ZIP64 record alone. told: where the locator claims it is, 0 for where it is."""
    end = content.rfind(b"PK\5\6")
    count, size, offset = struct.unpack_from("<HII", content, end + 10)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, told or end, 1)
    return content[:end] + record + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 10, 0, 0)


def with_a_sign_inside_its_end(content: bytes) -> bytes:
    """The zip with what opens an end record where its end record names disks; read from there the list is short."""
    end = content.rfind(b"PK\5\6")
    return content[: end + 4] + b"PK\5\6" + content[end + 8 :]


@pytest.mark.parametrize(
    "harm",
    [
        with_zip64,
        lambda content: with_zip64(content, told=5),
        lambda content: with_zip64(content, told=1 << 63),
        with_a_sign_inside_its_end,
    ],
)
def test_the_size_of_the_list_is_found_wherever_a_reader_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[bytes], bytes]
) -> None:
    path = make_zip(tmp_path / "a.zip", {f"{place}.png": b"x" for place in range(11)})
    path.write_bytes(harm(path.read_bytes()))
    assert len(zipfile.ZipFile(path).infolist()) == 11
    unpack(path, tmp_path / "in")
    monkeypatch.setattr(archive, "LARGEST_LIST", 500)
    with pytest.raises(ArchiveError, match="far too many files"):
        unpack(path, tmp_path / "again")


# --- a whole import of a bad zip leaves nothing behind ----------------------------------------------------------------


def staged(ws: Workspace) -> list[Path]:
    return list(ws.staging.iterdir()) if ws.staging.exists() else []


def test_a_disk_that_fills_while_unpacking_is_a_named_error_and_nothing_is_left(
    empty_workspace: Workspace, tmp_path: Path
) -> None:
    ws = empty_workspace
    content = io.BytesIO()
    Image.effect_noise((900, 900), 80).save(content, "BMP")
    path = make_zip(tmp_path / "a.zip", {"a.png": picture(), "large.bmp": content.getvalue()})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))  # a write beyond this fails, as on a full disk
    try:
        with pytest.raises(WorkspaceError, match="disk is full; nothing of this import was kept") as caught:
            import_plan.plan_import(ws, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "free some disk space" in caught.value.remedy
    assert staged(ws) == []
    assert labelling.label_counts(ws).images == 0


def test_a_nearly_full_disk_keeps_room_for_labels(
    empty_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "KEPT_FREE", 1 << 62)
    with pytest.raises(WorkspaceError, match="disk is full"):
        import_plan.plan_import(empty_workspace, make_zip(tmp_path / "a.zip", {"a.png": picture()}))
    assert staged(empty_workspace) == []


def test_pictures_that_are_bombs_themselves_are_skips(empty_workspace: Workspace, tmp_path: Path) -> None:
    large = io.BytesIO()
    Image.new("1", (11_000, 10_000)).save(large, "PNG")
    path = make_zip(tmp_path / "a.zip", {"bomb.png": large.getvalue(), "words.jpg": b"words", "good.png": picture()})
    report = imports.import_images(empty_workspace, path)
    assert report.images == 1
    assert {skip.path: skip.reason.split(" (")[0] for skip in report.skipped} == {
        "bomb.png": "the picture is too large",
        "words.jpg": "the file is not a picture",
    }


def test_a_zip_by_its_bytes_needs_no_ending(empty_workspace: Workspace, tmp_path: Path) -> None:
    make_zip(tmp_path / "a.zip", {"a.png": picture()}).rename(tmp_path / "download")
    assert imports.import_images(empty_workspace, tmp_path / "download").images == 1


@pytest.mark.slow
def test_a_zip_of_fifty_thousand_files_is_no_trouble(empty_workspace: Workspace, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as file:
        for number in range(50_000):
            file.writestr(f"folder/{number}.png", picture(number))
    report = imports.import_images(empty_workspace, tmp_path / "many.zip")
    assert (report.images, report.skipped) == (50_000, [])
    assert labelling.label_counts(empty_workspace).images == 50_000
    assert len(upcoming(empty_workspace, count=12)) == 12
    assert staged(empty_workspace) == []


def test_a_folder_of_pictures_is_untouched_by_all_this(empty_workspace: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", 1)
    assert imports.import_images(empty_workspace, tmp_path / "in").images == 1
    assert (tmp_path / "in" / "a.png").exists()
