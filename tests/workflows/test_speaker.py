"""As whom a model speaks, where nobody was asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inkling.corpus.store import CorpusStore
from inkling.workflows.add import add
from inkling.workflows.speaker import speaker_name
from inkling.workspace import Workspace


def telegram(first_name: str) -> str:
    """An export of an account with one chat, which tells whose it is."""
    said = [
        {"id": number, "type": "message", "date_unixtime": str(1_700_000_000 + number),
         "from": name, "from_id": identity, "text": f"hello {number}"}
        for number, (name, identity) in enumerate(
            [(first_name, "user7"), ("Cleo", "user8"), (first_name, "user7")]
        )
    ]  # fmt: skip
    chat = {"name": "Cleo", "type": "personal_chat", "id": 8, "messages": said}
    about = {"user_id": 7, "first_name": first_name}
    return json.dumps({"personal_information": about, "chats": {"list": [chat]}})


@pytest.mark.parametrize(
    ("shown", "said"), [("Wilma Ito", "Wilma Ito"), ("+1 555 0100", "w"), ("Me", "w")]
)
def test_an_export_that_tells_who_is_me_names_the_model(
    tmp_path: Path, shown: str, said: str
) -> None:
    """A number or a word for anybody is no name; what is told by hand comes first."""
    workspace = Workspace.create(tmp_path / "w")
    assert speaker_name(workspace) == "w"
    (tmp_path / "result.json").write_text(telegram(shown))
    add(workspace, [tmp_path / "result.json"])
    assert speaker_name(workspace) == said
    with CorpusStore(workspace.corpus_path) as store:
        store.remember_names("telegram", ["Wil"])
    assert speaker_name(workspace) == "Wil"
