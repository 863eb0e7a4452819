"""Tar archives: read where they lie or unpacked without names, with everything that is wrong."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importing import tar
from inkling.corpus.importing.open_tree import open_tree
from inkling.workflows.add import add
from inkling.workspace import Workspace
from tests.importers.test_open_tree import opened, packed

FILES = {"Takeout/Mail/Sent.mbox": b"From ada\n", "Takeout/a b.txt": "é".encode() * 300}


def tarred(files: dict[str, bytes], mode: str = "w:gz", *more: tarfile.TarInfo) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.tar", "w:"), ("a.tgz", "w:gz"), ("A.TAR.GZ", "w:gz"), ("a.tar.bz2", "w:bz2"),
     ("a.tar.xz", "w:xz")],
)  # fmt: skip
def test_archives_of_every_kind_give_their_files(name: str, mode: str) -> None:
    """The same files to the byte, by themselves and behind the archive's name in a folder."""
    Path("exports").mkdir()
    Path("exports", name).write_bytes(tarred(FILES, mode))
    assert opened(Path("exports", name)) == (FILES, {})
    assert opened(Path("exports")) == ({f"{name}/{path}": d for path, d in FILES.items()}, {})


def test_files_are_read_side_by_side() -> None:
    """Two open members do not disturb each other; going back works; a zip inside is opened."""
    data = tarred({"a.txt": b"a" * 600_000, "b.txt": b"b" * 600_000, "c.zip": packed(FILES)})
    Path("a.tgz").write_bytes(data)
    with open_tree(Path("a.tgz")) as found:
        by_name = {file.path: file for file in found.tree.files}
        assert by_name["c.zip/Takeout/a b.txt"].read() == FILES["Takeout/a b.txt"]
        with by_name["a.txt"].open() as a, by_name["b.txt"].open() as b:
            assert [a.read(400_000), b.read(400_000)] == [b"a" * 400_000, b"b" * 400_000]
            assert [a.read(), b.read(), b.read()] == [b"a" * 200_000, b"b" * 200_000, b""]
            a.seek(599_999)
            assert a.read() == b"a"
            b.seek(-2, io.SEEK_END)
            assert b.read() == b"bb"


def test_what_leads_out_or_is_no_file_is_told() -> None:
    """Absolute names stay inside; links and devices are not followed."""
    link, device = tarfile.TarInfo("link.txt"), tarfile.TarInfo("tty")
    link.type, link.linkname, device.type = tarfile.SYMTYPE, "/etc/passwd", tarfile.CHRTYPE
    files = {"../out.txt": b"x", "/etc/in.txt": b"y", "./in.txt": b"z", "__MACOSX/._in.txt": b""}
    Path("a.tgz").write_bytes(tarred(files, "w:gz", link, device))
    kept, left_out = opened(Path("a.tgz"))
    assert kept == {"etc/in.txt": b"y", "in.txt": b"z"}
    other = "a link or another thing in the archive that is no file"
    assert left_out == {
        "../out.txt": "a name that leads out of the archive", "link.txt": other, "tty": other,
    }  # fmt: skip


def test_bombs_stay_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it unpacks to beside its size, and by what it unpacks to at all."""
    monkeypatch.setattr(tar, "RATIO_MATTERS", 1_000_000)
    Path("a.tgz").write_bytes(tarred({"zeros.txt": bytes(8_000_000)}))
    assert opened(Path("a.tgz")) == (
        {}, {"a.tgz": "unpacks to far more than any export: left packed"}
    )  # fmt: skip
    monkeypatch.setattr(tar, "RATIO_MATTERS", 50_000_000)
    monkeypatch.setattr(tar, "MAX_UNPACKED", 1_000_000)
    assert opened(Path("a.tgz")) == (
        {}, {"a.tgz": "unpacks to more than 1 MB: unpack it and add the folder"}
    )  # fmt: skip


def test_a_header_that_claims_to_be_long_is_not_read() -> None:
    """A name of a gigabyte, which tarfile would read at once."""
    info = tarfile.TarInfo("name")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1_000_000_000
    Path("a.tar").write_bytes(tarred({"in.txt": b"x"}, "w:")[:1024] + info.tobuf() + bytes(2_000))
    assert opened(Path("a.tar")) == (
        {"in.txt": b"x"}, {"a.tar": "a damaged tar archive: read in part"}
    )  # fmt: skip


def test_a_damaged_archive_gives_what_is_before_the_damage() -> None:
    """Cut off while it was loaded."""
    files = {"a.txt": bytes(range(256)) * 40, "b.txt": b"b" * 2_000_000}
    whole = tarred(files, "w:")
    Path("a.tgz").write_bytes(gzip.compress(whole[:1_000_000])[:-20])
    kept, left_out = opened(Path("a.tgz"))
    assert kept["a.txt"] == files["a.txt"]
    assert "a damaged tar archive: read in part" in left_out.values()


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.binary(max_size=80), st.integers(0, 3_000), st.sampled_from(["a.tar", "a.tgz", "a.txz"]))
def test_any_bytes_are_files_or_reasons(junk: bytes, at: int, name: str) -> None:
    """Overwritten in the headers, in the packed stream, or nothing but junk."""
    data = tarred(FILES, {"a.tar": "w:", "a.tgz": "w:gz", "a.txz": "w:xz"}[name])
    at = min(at, len(data))
    for content in (data[:at] + junk + data[at + len(junk) :], junk, data[:at]):
        Path(name).write_bytes(content)
        contents, left_out = opened(Path(name))
        assert contents or left_out or not content.strip(b"\0")


def test_an_export_in_a_tar_is_found() -> None:
    """As in a zip: the chat is read, nothing lies beside the workspace."""
    chat = {
        "name": "Cleo", "type": "personal_chat", "id": 2,
        "messages": [
            {"id": n, "type": "message", "date_unixtime": str(1_700_000_000 + n), "text": f"m{n}",
             "from": "Ada" if n % 2 else "Cleo", "from_id": f"user{1 + n % 2}"}
            for n in range(4)
        ],
    }  # fmt: skip
    Path("export.tar.gz").write_bytes(tarred({"Telegram/result.json": json.dumps(chat).encode()}))
    before = set(Path().iterdir())
    (result,) = add(Workspace.create(Path("w")), [Path("export.tar.gz")], me="Ada").values()
    assert (result.messages, result.found) == (4, 4)
    assert set(Path().iterdir()) - before == {Path("w")}
