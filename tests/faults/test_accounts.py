"""Other accounts of the machine: they read no file and get no answer."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from inkling.atomic_files import atomic_folder, atomic_write
from inkling.chats import ChatStore
from inkling.corpus.store import CorpusStore
from inkling.server.account import connection_owner, owners_are_known
from inkling.server.security import COOKIE
from inkling.workspace import Workspace
from tests.accounts import NOBODY, asked_by_nobody, connected_by_nobody
from tests.conftest import Result, made_read_only
from tests.server.conftest import (
    PATIENCE,
    Server,
    once,
    server_inside,
    start_server,
    stop_server,
)
from tests.voices import random_run

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere a token is required"
)
TOKEN = "a-token-of-many-characters"


def open_to_others(folder: Path) -> list[str]:
    """What in a folder other accounts may do anything with."""
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


def open_everything(folder: Path) -> None:
    """As an older version left it."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


# -- files ----------------------------------------------------------------------------------


def test_a_workspace_is_its_owners_alone(
    trained: Workspace, tmp_path: Path, inkling: Callable[..., Result]
) -> None:
    """Corpus, chats, data, weights, figures and reports, whatever the umask is."""
    assert open_to_others(trained.path) == []
    copy = Workspace(tmp_path / "copy")
    shutil.copytree(trained.path, copy.path)
    with ChatStore(copy.chats_path) as chats:
        chats.create("terminal")
    assert inkling("eval", "-w", copy.path, "--replies", 1).status == 0
    assert inkling("plot", "-w", copy.path).status == 0
    assert open_to_others(copy.path) == []


def test_files_are_private_from_their_first_byte(tmp_path: Path) -> None:
    """No chmod comes after the content."""
    folder = tmp_path / "mine"
    workspace = Workspace.create(folder)
    seen: list[str] = []

    def pieces() -> object:
        yield b"a secret"
        seen.extend(open_to_others(folder))

    atomic_write(folder / "new" / "text", pieces())  # type: ignore[arg-type]
    with atomic_folder(folder / "whole") as new:
        (new / "part").write_bytes(b"a secret")
        assert stat.S_IMODE(new.stat().st_mode) == 0o700
    with CorpusStore(workspace.corpus_path):
        seen.extend(open_to_others(folder))
    assert seen == []
    assert open_to_others(folder) == []


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """That of most machines: others may read. A command sets its own, a program that uses the
    library has this one."""
    old = os.umask(0o022)
    yield
    os.umask(old)


@pytest.mark.usefixtures("usual_umask")
def test_folders_on_the_way_are_private_too(tmp_path: Path) -> None:
    """Of a file and of a folder, however many are missing above it."""
    workspace = Workspace.create(tmp_path / "mine")
    atomic_write(workspace.path / "some" / "way" / "down" / "file", "a secret")
    with atomic_folder(workspace.path / "another" / "way" / "down") as folder:
        (folder / "file").write_text("a secret")
    assert open_to_others(workspace.path) == []


def test_a_command_leaves_nothing_open(tmp_path: Path) -> None:
    """Under the umask of most machines, from `init` on, folders on the way included."""
    old = os.umask(0o022)
    try:
        for command in (["init", "new/mine"], ["add", "text.md", "-w", "new/mine"]):
            (tmp_path / "text.md").write_text("A text about pianos.\n" * 200)
            subprocess.run([sys.executable, "-m", "inkling", *command], cwd=tmp_path, check=True)
    finally:
        os.umask(old)
    assert open_to_others(tmp_path / "new") == []


def test_an_older_workspace_is_put_right_and_told_once(
    tmp_path: Path, trained: Workspace, inkling: Callable[..., Result]
) -> None:
    """By whatever command comes first. Files that are not Inkling's stay as they are, and so does
    what a link leads to."""
    folder = tmp_path / "older"
    shutil.copytree(trained.path, folder)
    elsewhere, notes = tmp_path / "elsewhere.txt", folder / "notes.txt"
    for other in (elsewhere, notes):
        other.write_text("not Inkling's\n")
    (folder / "runs" / "link").symlink_to(elsewhere)
    open_everything(folder)
    assert "Other accounts of this machine can read" in inkling("doctor", "-w", folder).out
    first, second = (inkling("runs", "-w", folder) for _ in range(2))
    assert f"Other accounts of this machine could read {folder}" in first.err
    assert second.err == ""
    assert open_to_others(folder) == [str(notes), str(folder / "runs" / "link")]
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


@pytest.mark.parametrize("mode", [0o1777, 0o755])
def test_a_folder_of_all_is_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """A workspace made in /tmp takes nobody's /tmp away, one in a home folder no home; its files
    are private all the same."""
    folder = tmp_path / "of-all"
    folder.mkdir()
    folder.chmod(mode)
    if not mode & stat.S_ISVTX:
        monkeypatch.setenv("HOME", str(folder))
    workspace = Workspace.create(folder)
    with CorpusStore(workspace.corpus_path):
        pass
    assert stat.S_IMODE(folder.stat().st_mode) == mode
    assert open_to_others(folder) == [str(folder)]


def test_what_cannot_be_changed_is_read_and_not_told(
    tmp_path: Path, inkling: Callable[..., Result]
) -> None:
    """On a read-only disk."""
    workspace = Workspace.create(tmp_path / "mine")
    with CorpusStore(workspace.corpus_path):
        pass
    open_everything(workspace.path)
    with made_read_only(workspace.path):
        result = inkling("corpus", "-w", workspace.path)
    assert (result.status, result.err) == (0, "")


# -- the server -----------------------------------------------------------------------------


@LINUX
def test_another_account_gets_no_answer(served: Server) -> None:
    """Neither chats nor the page nor OpenAI's API, whatever it sends; the own account does."""
    for method, path in (
        ("GET", "/api/chats/export"), ("GET", "/"), ("GET", "/v1/models"), ("POST", "/api/chats"),
        ("GET", "/api/health?token="), ("GET", "/openapi.json"),
    ):  # fmt: skip
        status, body = asked_by_nobody(served.port, method, path, Cookie=f"{COOKIE}=")
        assert (status, b"only the account" in body) == (403, True), path
    assert httpx.get(served.url + "api/chats/export", timeout=PATIENCE).status_code == 200


@LINUX
def test_letting_go_of_a_connection_makes_nobody_root(served: Server) -> None:
    """The kernel lists an end that nobody holds as root's: what was sent is not done."""
    chats = served.url + "api/chats"
    before = httpx.get(chats, timeout=PATIENCE).json()
    for _ in range(20):
        sent = connected_by_nobody(served.port)
        sent.sendall(b"POST /api/chats HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")
        sent.close()
    assert httpx.get(chats, timeout=PATIENCE).json() == before


@LINUX
def test_what_was_sent_before_letting_go_is_done(tmp_path: Path) -> None:
    """Whose a connection is, is known from its first moment: who has sent all of a request and is
    gone when it is read is answered like anyone."""
    workspace = Workspace.create(tmp_path / "mine")
    random_run(workspace)
    with server_inside(workspace) as running:
        chats = running.url + "api/chats"
        with socket.create_connection(("127.0.0.1", httpx.URL(running.url).port)) as client:
            client.settimeout(PATIENCE)
            client.sendall(b"GET /api/chats HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            client.sendall(
                b"POST /api/chats HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
            )
        once(lambda: len(httpx.get(chats, timeout=PATIENCE).json()["chats"]) == 1)


@LINUX
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_owner_of_a_connection_is_known(host: str) -> None:
    """Over both families, and mapped from one into the other; not once it was let go of."""
    assert owners_are_known()
    wanted = "127.0.0.1" if "." in host else host
    try:
        listener = socket.create_server(
            (wanted, 0), family=socket.AF_INET6 if ":" in wanted else socket.AF_INET
        )
    except OSError:
        pytest.skip(f"nothing can listen on {host} here")
    with listener:
        ours = listener.getsockname()[:2]
        for connect, owner in (
            (lambda: socket.create_connection((host, ours[1])), os.geteuid()),
            (lambda: connected_by_nobody(ours[1], host), NOBODY),
        ):
            client = connect()
            held, peer = listener.accept()
            assert connection_owner(peer[:2], ours) == owner
            client.close()
            assert connection_owner(peer[:2], ours) is None
            held.close()


@LINUX
def test_any_account_is_for_those_who_say_so(nonsense: Workspace) -> None:
    """And a token is for those who were given it, in a file here, where `ps` does not show it."""
    running = start_server(nonsense.path, "--any-account")
    try:
        assert asked_by_nobody(running.port, "GET", "/api/health")[0] == 200
    finally:
        stop_server(running)


def test_a_token_from_a_file_leaves_the_address(nonsense: Workspace, tmp_path: Path) -> None:
    """The link sets a cookie and leads on without the token, never to another site."""
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    running = start_server(nonsense.path, "--token-file", str(file))
    base = running.url.split("?")[0]
    try:
        assert running.url.endswith(f"?token={TOKEN}")
        assert httpx.get(base, timeout=PATIENCE).status_code == 401
        for path, leads_to in (
            ("?token={}&view=runs", "/?view=runs"),
            ("/evil.example?token={}", "/evil.example"),
            ("\\evil.example?token={}", "/%5Cevil.example"),
        ):
            request = f"GET /{path.format(TOKEN)} HTTP/1.0\r\nHost: here\r\n\r\n"
            with socket.create_connection(("127.0.0.1", running.port)) as raw:
                raw.settimeout(PATIENCE)
                raw.sendall(request.encode())
                answer = raw.makefile("rb").read().decode()
            assert answer.startswith("HTTP/1.1 303")
            assert f"\r\nlocation: {leads_to}\r\n" in answer
            assert f"{COOKIE}={TOKEN}; HttpOnly; SameSite=Lax" in answer
        with httpx.Client(timeout=PATIENCE, follow_redirects=True) as client:
            opened = client.get(f"{base}?token={TOKEN}")
            assert (opened.status_code, str(opened.url)) == (200, base)
            health = client.get(base + "api/health")
            assert health.headers["cache-control"] == "no-store"
        if os.geteuid() == 0 and owners_are_known():
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            assert asked_by_nobody(running.port, "GET", "/api/health", **bearer)[0] == 200
            assert asked_by_nobody(running.port, "GET", "/api/health")[0] == 401
    finally:
        stop_server(running)


def test_a_token_from_the_environment_is_in_no_list(
    nonsense: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of processes, which every account can ask for."""
    monkeypatch.setenv("INKLING_TOKEN", TOKEN)
    running = start_server(nonsense.path)
    try:
        base = running.url.split("?")[0]
        assert httpx.get(base + "api/health", timeout=PATIENCE).status_code == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.get(base + "api/health", headers=bearer, timeout=PATIENCE)
        assert answer.status_code == 200
        listed = subprocess.run(
            ["ps", "-p", str(running.process.pid), "-o", "args="],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "serve" in listed.stdout
        assert TOKEN not in listed.stdout
    finally:
        stop_server(running)


def test_where_owners_are_not_known_a_token_is_made(
    nonsense: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on macOS: the printed link carries it."""
    from inkling.cli import serve
    from inkling.server import account

    monkeypatch.setattr(account, "owners_are_known", lambda: False)
    asked: list[int] = []

    def instead(server: object, sockets: list[socket.socket]) -> None:
        asked.append(len(sockets))
        sockets[0].close()

    monkeypatch.setattr("uvicorn.Server.run", instead)
    serve.serve_workspace(nonsense, port=0, open_page=False)
    assert asked == [1]
    assert "/?token=" in capsys.readouterr().out


def test_no_answer_about_a_person_is_kept_by_a_browser(served: Server) -> None:
    """Every answer of both APIs says so, refusals too; the page's files may be kept."""
    for path in ("api/chats", "api/health", "v1/models", "api/no-such-thing", "v1/none"):
        answer = httpx.get(served.url + path, timeout=PATIENCE)
        assert answer.headers["cache-control"] == "no-store", path
    foreign = httpx.get(served.url + "api/chats", headers={"Host": "evil"}, timeout=PATIENCE)
    assert (foreign.status_code, foreign.headers["cache-control"]) == (403, "no-store")
    exported = httpx.get(served.url + "api/chats/export", timeout=PATIENCE)
    assert exported.headers["cache-control"] == "no-store"


def test_a_token_file_that_is_none_is_one_sentence(
    nonsense: Workspace, tmp_path: Path, inkling: Callable[..., Result]
) -> None:
    """Missing, binary, or too short a token."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / "short").write_text("abc")
    for name, says in (
        ("none", "read the token in"),
        ("binary", "no text"),
        ("short", "16 to 200"),
    ):
        result = inkling("serve", "--token-file", tmp_path / name, "--no-open", "-w", nonsense.path)
        assert result.status == 2
        assert says in result.err
