"""The two paths of the README, walked end to end with the real parts, one by one."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import torch

from inkling.config import ModelSettings, OptimizerSettings, SamplingSettings
from inkling.corpus.importers import read_path
from inkling.corpus.store import CorpusStore
from inkling.inference.chat import ChatModel, allowed_mask
from inkling.model.gpt import GPT
from inkling.preparation import prepare_run
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import encode_prompt
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import WindowLoader
from inkling.tokens.tokenizer import Tokenizer
from inkling.training.forward import forward_loss
from inkling.training.optim import Optimizers
from inkling.workspace import Workspace
from tests.server.conftest import start_server, stop_server


def test_a_training_example(posts: list[Path]) -> None:
    """A sentence in a file is a document, then ids, then a target, then a smaller loss, then a
    checkpoint."""
    workspace = Workspace.create(Path("w"))
    sentence = "Amos takes the file down the edge with his thumb for a guide."
    with CorpusStore(workspace.corpus_path) as store:
        for post in posts[10:13]:
            store.add(str(post), "md", read_path(post))
        assert any(sentence in document.text for document in store.documents())

    prepared = prepare_run(workspace, "r", lambda characters: 200)
    tokenizer = Tokenizer.load(prepared.path / "tokenizer.json")
    train = PackedIds.open(prepared.path / "data", "train")
    text = tokenizer.decode([int(i) for i in train.ids])
    assert sentence in text

    loader = WindowLoader(train, 64, seed=1)
    targets = set()
    batches = []
    for _ in range(-(-loader.rows_per_epoch() // 8)):
        x, y = loader.next_batch(8)
        assert (x[:, 1:] == y[:, :-1]).all()
        targets |= {tokenizer.decode([int(i) for i in row]) for row in y}
        batches.append((torch.from_numpy(x), torch.from_numpy(y)))
    joined = "\0".join(targets)
    assert any(part in joined for part in ("Amos takes the file", "his thumb for a guide."))

    torch.manual_seed(0)
    model = GPT(
        ModelSettings(
            n_layer=1, n_head=1, n_embd=64, n_hidden=128, context_length=64,
            vocab_size=tokenizer.vocab_size,
        )
    )  # fmt: skip
    optimizers = Optimizers(model, OptimizerSettings())
    x, y = batches[0]
    before = forward_loss(model, x, y).item() / y.numel()
    for _ in range(3):
        (forward_loss(model, x, y) / y.numel()).backward()
        optimizers.step(1.0)
        optimizers.zero_grad()
    after = forward_loss(model, x, y).item() / y.numel()
    assert after < before - 0.1

    run = Run(prepared.path)
    run.checkpoints.save(3, {"phase": "train"}, model.state_dict(), optimizers.state_tensors())
    again = run.checkpoints.load(3)
    assert all(torch.equal(again.model[k], v) for k, v in model.state_dict().items())


def _likeliest(logits_V: torch.Tensor, output_ids: list[int], penalty: float) -> int:
    """The likeliest id once those already said are less likely."""
    said = torch.tensor(sorted(set(output_ids)), dtype=torch.long)
    scores = logits_V[said]
    logits_V[said] = torch.where(scores > 0, scores / penalty, scores * penalty)
    return int(logits_V.argmax())


def test_a_reply(trained: Workspace) -> None:
    """Messages are ids, ids logits, logits draws, draws text: by hand what the server sends."""
    run = Run.choose(trained, None)
    chat = ChatModel.load(run, Runtime.detect())
    history = [("them", "hello"), ("me", "hello, kettle's on")]
    ids, left_out = encode_prompt(chat.tokenizer, history, "soup?", 100)
    assert left_out == 0
    end, them, me = (chat.tokenizer.special_id(s) for s in ("<|end|>", "<|them|>", "<|me|>"))
    assert [i for i in ids if i in (end, them, me)] == [end, them, me, end, them, me]
    assert chat.tokenizer.decode(ids) == " hello hello, kettle's on soup"

    greedy = SamplingSettings(temperature=0, max_tokens=12)
    model = chat.engine.model
    cache = model.new_cache(1).slot(0, 0)
    output_ids: list[int] = []
    feed = list(ids)
    with torch.no_grad():
        while len(output_ids) < greedy.max_tokens:
            logits = model(torch.tensor([feed]), cache)[0, -1]
            logits[~allowed_mask(chat.config)] = float("-inf")
            if not chat.tokenizer.decode(output_ids).strip():
                logits[end] = float("-inf")
                logits[chat._blank_V] = float("-inf")
            choice = _likeliest(logits, output_ids, greedy.repetition_penalty)
            if choice == end:
                break
            output_ids.append(choice)
            feed = [choice]
    expected = chat.tokenizer.decode(output_ids).strip()

    server = start_server(trained.path)
    try:
        body = {
            "message": "soup?",
            "history": [
                {"role": "user", "content": "hello"},
                {"role": "assistant", "content": "hello, kettle's on"},
            ],
            "temperature": 0,
            "max_tokens": 12,
            "memory": 0,
        }
        plain = httpx.post(server.url + "api/chat", json=body, timeout=120).json()["reply"]
        stream = httpx.post(server.url + "api/chat/stream", json=body, timeout=120).text
    finally:
        stop_server(server)
    frames = [json.loads(part[len("data: ") :]) for part in stream.split("\n\n")[:-1]]
    assert plain == expected
    assert "".join(frame.get("text", "") for frame in frames) == expected
    assert frames[-1] == {"done": True}
