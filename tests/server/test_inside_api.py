"""The Inside API over real HTTP: every number is Python's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from safetensors.numpy import load
from torch.nn import functional as F

from inkling.config import SamplingSettings
from inkling.inspection.forward import attention_steps
from inkling.inspection.inspected_model import InspectedModel
from inkling.inspection.next_piece import next_pieces
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.server.training_process import TrainingProcess
from inkling.tokens.dataset import PackedIds
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Inside, server_inside
from tests.voices import random_run

TEXT = "The piano was out of tune, and so was the man who had come to tune the piano."


FAMILY = "👩\u200d👧\u200d👦"


@pytest.fixture(scope="module")
def inside(trained: Workspace) -> Iterator[Inside]:
    with server_inside(trained) as served:
        yield served


@pytest.fixture(scope="module")
def tiny(trained: Workspace) -> InspectedModel:
    return InspectedModel.load(Run.open(trained, "tiny"), Runtime.detect(threads=1))


def ask(served: Inside, route: str, status: int = 200, **body: Any) -> Any:
    response = httpx.post(f"{served.url}api/inside/{route}", json=body, timeout=PATIENCE)
    assert response.status_code == status, response.text
    if response.headers["content-type"].startswith("application/json"):
        return response.json()
    return load(response.content)


def test_the_runs_and_their_checkpoints(inside: Inside, trained: Workspace) -> None:
    """The shape as the run's config has it; checkpoints as they lie there, with their phase."""
    found = httpx.get(inside.url + "api/inside/runs", timeout=PATIENCE).json()
    run, config = Run.open(trained, "tiny"), Run.open(trained, "tiny").config()
    row = next(row for row in found["runs"] if row["name"] == "tiny")
    assert found["newest"] == "tiny"
    assert [each["step"] for each in row["checkpoints"]] == run.checkpoints.steps()
    for each in row["checkpoints"]:
        assert each["phase"] == run.checkpoints.load(each["step"]).state["phase"]
    assert (row["n_layer"], row["n_head"]) == (config.model.n_layer, config.model.n_head)
    assert row["merges"] == config.merges
    assert row["best"] == run.checkpoints.best_step()


def test_pieces_are_the_tokenizers(inside: Inside, tiny: InspectedModel) -> None:
    """Ids, counts in the training text, and the whole vocabulary's size."""
    found = ask(inside, "pieces", text=TEXT)
    assert found["ids"] == [tiny.tokenizer.end_id, *tiny.tokenizer.encode(TEXT)]
    assert found["vocabulary_size"] == tiny.tokenizer.vocab_size
    train = np.asarray(PackedIds.open(tiny.run.data_path, "train").ids)
    for piece in found["vocabulary"]:
        assert piece["count"] == int((train == piece["id"]).sum())
    assert [stretch["text"] for stretch in found["stretches"]] == [TEXT]
    assert len(found["stretches"][0]["merges"]) == len(TEXT) - 1


def test_attention_is_the_models(inside: Inside, tiny: InspectedModel) -> None:
    """From the scores that are sent both softmaxes follow, to 1e-5."""
    states = tiny.states(tiny.encode(TEXT))
    for layer, each in enumerate(states.layers):
        assert each.attention is not None
        for head in range(len(each.attention.q_HTD)):
            sent = ask(inside, "attention", text=TEXT, layer=layer, head=head)
            scores = torch.from_numpy(sent["scores"]) / float(sent["head_dim"][0]) ** 0.5
            ahead = torch.ones(scores.shape, dtype=torch.bool).triu(1)
            weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
            torch.testing.assert_close(weights, each.attention.weights_HTT[head], rtol=0, atol=1e-5)
            q, k = each.attention.q_HTD[head], each.attention.k_HTD[head]
            torch.testing.assert_close(
                torch.from_numpy(sent["scores"]), attention_steps(q, k).scores, rtol=0, atol=1e-4
            )
    sent = ask(inside, "tiles", text=TEXT)["tiles"]
    T = len(tiny.encode(TEXT).window)
    assert sent.shape == (len(states.layers), len(states.layers[0].attention.q_HTD), T, T)  # type: ignore[union-attr]
    shown = (sent[0, 0].astype(float) / 255) ** 2
    np.testing.assert_allclose(shown, states.layers[0].attention.weights_HTT[0], atol=0.005)  # type: ignore[union-attr]
    heads = ask(inside, "heads", text=TEXT)
    assert heads["n_head"] * heads["head_dim"] == tiny.config.model.n_head * 64


@pytest.mark.parametrize(
    "how",
    [{}, {"temperature": 1.3, "top_k": 0}, {"top_p": 0.7, "top_k": 40}, {"temperature": 0}],
)
def test_the_next_piece(inside: Inside, tiny: InspectedModel, how: dict[str, Any]) -> None:
    """After any piece, with any settings: what Python computes."""
    text = tiny.encode(TEXT)
    for position in (0, 5, None):
        sent = ask(inside, "next", text=TEXT, position=position, **how)
        at = len(text.window) - 1 if position is None else position
        settings = SamplingSettings(**{"temperature": 0.5, "top_k": 25, **how})
        own = next_pieces(tiny.logits(text)[at], tiny.live, settings)
        assert sent["ids"] == own.ids.tolist()
        np.testing.assert_allclose(sent["after"], own.after, atol=1e-6)
        np.testing.assert_allclose(sent["before"], own.before, atol=1e-6)
        assert sent["entropy_after"] == pytest.approx(own.entropy_after, abs=1e-6)
        assert sum(sent["after"]) == pytest.approx(1)


def test_surprise_is_the_loss(inside: Inside, tiny: InspectedModel) -> None:
    """The sum over the pieces is the cross-entropy of the text, as training reports it."""
    sent = ask(inside, "surprise", text=TEXT)
    ids = torch.tensor(tiny.encode(TEXT).window)
    with torch.inference_mode():
        logits = tiny.model(ids[None])[0, :-1]
    loss = float(F.cross_entropy(logits.double(), ids[1:]))
    assert sent["nats_per_piece"] == pytest.approx(loss, rel=1e-5)
    assert sum(piece["bits"] for piece in sent["pieces"]) == pytest.approx(sent["bits"])
    assert sent["bits_per_character"] == pytest.approx(sent["bits"] / len(TEXT))


def test_pairs_are_counted(inside: Inside, tiny: InspectedModel) -> None:
    """Each cell is a direct count; the passages hold the pair."""
    sent = ask(inside, "pairs", text=TEXT)
    train = np.asarray(PackedIds.open(tiny.run.data_path, "train").ids).astype(int)
    row = max(sent["rows"], key=lambda row: row["total"])
    for column, count in zip(sent["columns"], row["counts"], strict=True):
        assert count == int(((train[:-1] == row["id"]) & (train[1:] == column)).sum())
    best = row["top"][0]
    assert best["share"] == best["count"] / row["total"]
    assert best["count"] == max(row["counts"])
    found = ask(inside, "passages", first=row["id"], second=best["id"])
    assert found["count"] == best["count"]
    pair = tiny.tokenizer.decode([row["id"], best["id"]])
    assert [passage["text"] for passage in found["passages"]] == [pair] * len(found["passages"])
    assert sent["model_bits"] == pytest.approx(
        ask(inside, "surprise", text=TEXT)["bits_per_character"]
    )


def test_neurons_and_where_they_fire(inside: Inside, tiny: InspectedModel) -> None:
    """The activations of the forward pass; five places of the training text, falling."""
    sent = ask(inside, "activations", text=TEXT, layer=0)["activations"]
    own = tiny.states(tiny.encode(TEXT)).layers[0].neurons
    assert own is not None
    np.testing.assert_allclose(sent, own.activations_TF, atol=1e-5)
    measured = ask(inside, "neurons", text=TEXT)["layers"][0]
    assert measured["neurons"] == sent.shape[1]
    assert own.gate_TF is not None
    assert measured["share_gated"] == pytest.approx(
        float((own.gate_TF.abs() < 0.1).double().mean())
    )
    found = ask(inside, "firing", layer=0, neuron=2)["places"]
    assert len(found) == 5
    assert [place["value"] for place in found] == sorted((p["value"] for p in found), reverse=True)


def test_steps_and_continuations(inside: Inside, tiny: InspectedModel) -> None:
    """The same seed draws the same piece; both continuations say something."""
    steps = [ask(inside, "steps", text=TEXT, seed=7) for _ in range(2)]
    assert steps[0] == steps[1]
    assert steps[0]["steps"][0]["shape"] == [steps[0]["stop"], tiny.config.model.n_embd]
    assert ask(inside, "continue", text=TEXT, seed=3, pieces=12)["pairs"]


def test_a_message_with_its_reply(inside: Inside, tiny: InspectedModel) -> None:
    """Read in the dialog grammar, as the chat asks; without a reply it ends where one begins."""
    found = ask(inside, "pieces", text="What do you do?", reply="")
    names = {piece["id"]: piece["text"] for piece in found["vocabulary"]}
    shown = [names[index] for index in found["ids"]]
    assert shown[:2] == ["<|end|>", "<|them|>"]
    assert shown[-1] == "<|me|>"
    assert "".join(shown[2:-1]) == " what do you do"
    assert found["ids"] == tiny.chat_model.prompt("What do you do?", []).ids
    longer = ask(inside, "pieces", text="What do you do?", reply="i tune pianos")
    assert len(longer["ids"]) > len(found["ids"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "☃",
        "שלום",
        "e\u0301\u0323",
        "👩\u200d👧\u200d👦",
        "x" * 20_000,
        "a\u0000\u2028b",
        " \n\t",
    ],
)
def test_any_text_is_read(inside: Inside, text: str) -> None:
    """Every panel answers; a text longer than the context is read in a window that can be moved."""
    for route in ("pieces", "pairs", "heads", "tiles", "attention", "neurons", "activations",
                  "next", "surprise", "steps"):  # fmt: skip
        ask(inside, route, text=text)
    if len(text) > 1000:
        last = ask(inside, "surprise", text=text)
        first = ask(inside, "surprise", text=text, start=0)
        assert (first["start"], last["stop"]) == (0, last["total"])
        assert last["start"] == last["total"] - last["context"] > 0


def test_what_is_not_there_is_said(inside: Inside, tmp_path: Path) -> None:
    """A sentence that names what there is, never a traceback."""
    assert "tiny" in ask(inside, "pieces", 404, run="gone")["error"]
    assert "no checkpoint of step 7" in ask(inside, "pieces", 404, step=7)["error"]
    assert "no layer 99" in ask(inside, "attention", 400, text="a", layer=99)["error"]
    assert "no head 99" in ask(inside, "attention", 400, text="a", head=99)["error"]
    assert "no piece 99" in ask(inside, "next", 400, text="a", position=99)["error"]
    assert "20000" in ask(inside, "pieces", 400, text="x" * 20_001)["error"].replace(",", "")
    assert "neuron" in ask(inside, "firing", 400, layer=0, neuron=10**6)["error"]
    empty = Workspace.create(tmp_path / "w")
    with server_inside(empty) as served:
        assert "no trained model" in ask(served, "pieces", 503)["error"]
        runs = httpx.get(served.url + "api/inside/runs", timeout=PATIENCE).json()
        assert runs == {"runs": [], "newest": None}
        assert httpx.get(served.url + "api/inside/ladders", timeout=PATIENCE).json() == {
            "ladders": []
        }


def test_a_run_without_its_training_text(tmp_path: Path) -> None:
    """Pieces have no counts, pairs say why, the rest goes on; a checkpoint that is deleted while
    it is looked at is named."""
    workspace = Workspace.create(tmp_path / "w")
    run = random_run(workspace)
    with server_inside(workspace) as served:
        pieces = ask(served, "pieces", text="ab")["vocabulary"]
        assert {piece["count"] for piece in pieces} == {None}
        assert "no longer" in ask(served, "pairs", 400, text="ab")["error"]
        assert ask(served, "firing", layer=0, neuron=0) == {"tokens": 0, "places": []}
        ask(served, "surprise", text="ab")
        path = run.checkpoints.path(1)
        path.rename(path.with_name("gone"))
        assert (
            "no checkpoint"
            in ask(served, "surprise", 404, text="ab", run="random", step=1)["error"]
        )


def test_ladders_are_listed(tmp_path: Path) -> None:
    """A report as an older version wrote it too; a damaged one hides no other. Too short a climb
    is refused."""
    workspace = Workspace.create(tmp_path / "w")
    rung = {
        "rung": "bigram", "runs": ["ladder-1-bigram-1"], "parameters": 9, "nats": [2.5],
        "characters_seen": 10.0, "still_falling": False, "sample": "th",
    }  # fmt: skip
    report = {"group": "ladder-1", "rungs": [rung], "baselines": {"uniform": 4.0}}
    for name, content in (("ladder-1", json.dumps(report)), ("ladder-2", "{")):
        folder = workspace.ladders_path / name
        folder.mkdir(parents=True)
        (folder / "ladder.json").write_text(content)
    with server_inside(workspace) as served:
        listed = httpx.get(served.url + "api/inside/ladders", timeout=PATIENCE).json()["ladders"]
        assert [ladder["group"] for ladder in listed] == ["ladder-1"]
        assert listed[0]["rungs"][0]["nats"] == [2.5]
        ask(served, "ladders", 400, minutes=0.01)


def test_a_climb_is_a_process_of_its_own(tmp_path: Path) -> None:
    """With a name that no ladder has; where nothing was written it says why it could not climb."""
    workspace = Workspace.create(tmp_path / "w")
    (workspace.ladders_path / "ladder-2").mkdir(parents=True)
    training = TrainingProcess(workspace)
    assert training.climb(1) == "ladder-1"
    assert training.wait(PATIENCE) == 1
    assert training.status().error
