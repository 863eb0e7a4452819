"""Paths as trees: folders with links and odd names, archives with everything that is wrong."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inkling.corpus.importing import archive
from inkling.corpus.importing.open_tree import open_held, open_tree


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def opened(path: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Paths with their content, and what was left out with its reason."""
    with open_tree(path) as found:
        contents = {file.path: file.read() for file in found.tree.files}
        return contents, {dropped.raw_ref: dropped.reason for dropped in found.left_out}


def test_a_file_is_a_tree_of_itself() -> None:
    """Its name is its path."""
    Path("note.txt").write_text("words")
    with open_tree(Path("note.txt")) as found:
        (file,) = found.tree.files
        assert (found.tree.name, file.path, file.size, file.read(2)) == (
            "note.txt",
            "note.txt",
            5,
            b"wo",
        )


def test_names_that_are_no_text_are_escaped_and_read() -> None:
    """Bytes that are not UTF-8, a line break, a leading dash, a quote."""
    folder = Path("notes")
    folder.mkdir()
    for name in (b"caf\xe9.txt", b"two\nlines.txt", b"-rf.txt", b'it\'s "so".txt'):
        Path(os.fsdecode(b"notes/" + name)).write_text("words")
    contents, left_out = opened(folder)
    assert sorted(contents) == [
        "-rf.txt", "caf\\xe9.txt", "it's \"so\".txt", "two\\x0alines.txt",
    ]  # fmt: skip
    assert set(contents.values()) == {b"words"}
    assert not left_out


def test_links_are_followed_once() -> None:
    """A linked folder is read; a cycle, a second link and one to a folder around it are told."""
    for name in ("in/a.txt", "out/b.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    os.symlink("../out", "in/linked")
    os.symlink("../out", "in/once more")
    os.symlink("..", "in/up")
    os.symlink(".", "in/self")
    os.symlink("nowhere", "in/broken")
    os.symlink("round", "in/round")
    contents, left_out = opened(Path("in"))
    assert contents == {"a.txt": b"in/a.txt", "linked/b.txt": b"out/b.txt"}
    assert left_out["once more"] == "a link to a folder that is read already"
    assert left_out["up"] == left_out["self"] == "a link to a folder that contains it"
    assert left_out["broken"] == "a link to nothing"
    assert set(left_out) == {"once more", "up", "self", "broken", "round"}


def test_tools_and_workspaces_are_not_looked_into() -> None:
    """Hidden files and folders, other workspaces; a pipe is told."""
    for name in (".git/x", "node_modules/x", "w/inkling.toml", "w/d.txt", ".hidden", "sub/c.txt"):
        path = Path("in") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    os.mkfifo("in/pipe.txt")
    assert opened(Path("in")) == ({"sub/c.txt": b"x"}, {"pipe.txt": "not a regular file"})


def test_archives_are_read_where_they_lie() -> None:
    """Also archives within archives, with the furniture of macOS left out."""
    inner = packed({"inner.txt": b"deep"})
    Path("in").mkdir()
    Path("in/a.ZIP").write_bytes(
        packed(
            {
                "x/y.txt": b"words",
                "b.zip": inner,
                "__MACOSX/x/._y.txt": b"m",
                ".DS_Store": b"d",
                "__MACOSX/z.txt": b"z",
            }
        )
    )
    contents, left_out = opened(Path("in"))
    assert contents == {"a.ZIP/x/y.txt": b"words", "a.ZIP/b.zip/inner.txt": b"deep"}
    assert not left_out
    contents, _ = opened(Path("in/a.ZIP"))
    assert sorted(contents) == ["b.zip/inner.txt", "x/y.txt"]


def test_names_that_lead_out_stay_inside() -> None:
    """`..` is left out; roots, drives and backslashes are neutralised."""
    Path("a.zip").write_bytes(
        packed({"../../evil.txt": b"1", "/etc/x.txt": b"2", "C:\\docs\\y.txt": b"3"})
    )
    contents, left_out = opened(Path("a.zip"))
    assert contents == {"etc/x.txt": b"2", "docs/y.txt": b"3"}
    assert left_out == {"../../evil.txt": "a name that leads out of the archive"}


def test_names_in_utf8_that_do_not_say_so() -> None:
    """As macOS packs them."""
    name = "Grüße.txt"
    data = packed({"Gr____e.txt": b"x"}).replace(b"Gr____e.txt", name.encode())
    Path("a.zip").write_bytes(data)
    assert list(opened(Path("a.zip"))[0]) == [name]


def test_bombs_stay_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ratio, a number of files, a depth that no export has."""
    Path("ratio.zip").write_bytes(packed({"zeros.txt": bytes(60_000_000), "a.txt": b"a"}))
    contents, left_out = opened(Path("ratio.zip"))
    assert contents == {}
    assert "far more than any export" in left_out["ratio.zip"]
    deep = packed({"a.txt": b"a"})
    for _ in range(6):
        deep = packed({"in.zip": deep}, zipfile.ZIP_STORED)
    Path("deep.zip").write_bytes(deep)
    contents, left_out = opened(Path("deep.zip"))
    assert contents == {}
    assert list(left_out.values()) == [
        "an archive too deep or too large in another: unpack it first"
    ]
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    Path("many.zip").write_bytes(packed({f"{n}.txt": b"" for n in range(4)}))
    assert "more than 3 files" in opened(Path("many.zip"))[1]["many.zip"]


def test_locked_and_damaged_members_are_told_and_the_others_read() -> None:
    """An encrypted entry, a wrong checksum, an archive cut in half."""
    data = packed({"good.txt": b"good", "bad.txt": b"bad words"}, zipfile.ZIP_STORED)
    Path("a.zip").write_bytes(data.replace(b"bad words", b"BAD words", 1))
    contents, left_out = opened(Path("a.zip"))
    assert contents["good.txt"] == b"good"
    assert left_out == {"bad.txt": "damaged in the archive: read in part"}
    locked = bytearray(packed({"locked.txt": b"x", "free.txt": b"y"}))
    directory = locked.index(b"PK\x01\x02")
    locked[directory + 8 : directory + 10] = struct.pack("<H", 1)
    Path("b.zip").write_bytes(bytes(locked))
    contents, left_out = opened(Path("b.zip"))
    assert contents == {"free.txt": b"y"}
    assert left_out == {"locked.txt": "encrypted: unpack it with its password first"}
    Path("c.zip").write_bytes(data[: len(data) // 2])
    assert opened(Path("c.zip")) == ({}, {"c.zip": "a damaged zip archive"})


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_every_kind_of_packing_is_told(method: int) -> None:
    """Each packer has errors of its own; the other file is read all the same."""
    content = bytes(range(256)) * 200
    data = bytearray(packed({"a.txt": content, "b.txt": content}, method))
    start = data.index(b"a.txt") + 5
    data[start + 12 : start + 60] = b"\xff" * 48
    Path("a.zip").write_bytes(data)
    contents, left_out = opened(Path("a.zip"))
    assert contents["b.txt"] == content
    assert contents["a.txt"] != content
    assert left_out == {"a.txt": "damaged in the archive: read in part"}


def test_what_is_read_is_counted() -> None:
    """For progress: all bytes of all files."""
    Path("a.zip").write_bytes(packed({"x.txt": b"x" * 1000, "y.txt": b"y" * 500}))
    counted: list[int] = []
    with open_tree(Path("a.zip"), counted.append) as found:
        for file in found.tree.files:
            file.read()
    assert sum(counted) == 1500


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
@example(junk=b"", at=350, value=0)  # an entry without a name
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_files_or_reasons(junk: bytes, at: int, value: int) -> None:
    """An archive with any byte changed, and junk that calls itself one."""
    data = bytearray(packed({"a/b.txt": b"words " * 20, "c.txt": b"more"}))
    data[at % len(data)] = value
    for content in (bytes(data), junk, bytes(data) + junk):
        Path("any.zip").write_bytes(content)
        opened(Path("any.zip"))


def test_the_folder_around_a_file_is_known(tmp_path: Path) -> None:
    """Some exports call the chat as its folder, also where a person names the file itself."""
    folder = tmp_path / "DM 1a"
    folder.mkdir()
    (folder / "messages.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "Cleo.zip", "w") as archive:
        archive.writestr("chat.md", "x")
        archive.writestr("in/chat.md", "x")
    for path in (folder, folder / "messages.json"):
        with open_tree(path) as opened:
            assert opened.tree.folder_name(opened.tree.files[0]) == "DM 1a"
    with open_tree(tmp_path / "Cleo.zip") as opened:
        assert [opened.tree.folder_name(f) for f in opened.tree.files] == ["Cleo", "in"]
    with open_held("messages.json", {"messages.json": folder / "messages.json"}) as opened:
        assert opened.tree.holder == ""
