"""A stranger's Qwen3 (grouped queries, tied embeddings, another tokenizer) as a run's beginning."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkling.errors import ExportError, RunError
from inkling.inference.chat import ChatModel
from inkling.model.build import build_model
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.settings import reply_settings
from inkling.tokens.adopted import adopt
from inkling.tokens.own_template import OwnTemplate
from inkling.tokens.pre_tokenizer import SPLIT_PATTERN
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import SPECIAL_TOKENS
from inkling.workflows.export import import_model, plan_export
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("default")]

PADDING = 11
"""Rows of the embedding that no token uses, as Qwen's checkpoints have them."""
TEXTS = ("How are you?", "ä ß 日本 \n\n  <|me|> <think>x</think> 12345", "<|im_end|> it's")


def qwen3(folder: Path, tied: bool, **changes: Any) -> Path:
    """A random Qwen3 of transformers, with a tokenizer of its own and ChatML's special tokens."""
    from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
    from tokenizers import Tokenizer as FastTokenizer
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    fast = FastTokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated")
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    fast.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    fast.train_from_iterator([(DEMO / "dms.txt").read_text()[:20_000]], trainer)
    fast.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    fast.add_tokens([AddedToken("<think>", normalized=False)])
    torch.manual_seed(0)
    config = Qwen3Config(
        **{
            "vocab_size": fast.get_vocab_size() + PADDING, "hidden_size": 48,
            "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 6,
            "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
            "rope_theta": 1_000_000.0, "tie_word_embeddings": tied,
            "eos_token_id": fast.token_to_id("<|im_end|>"), "initializer_range": 0.2, **changes,
        }
    )  # fmt: skip
    model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    # Norms that do something.
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
    model.save_pretrained(folder, max_shard_size="60KB")
    PreTrainedTokenizerFast(tokenizer_object=fast, eos_token="<|im_end|>").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen3(tmp_path_factory.mktemp("stranger"), tied=True)


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "empty")


@pytest.mark.parametrize("tied", [True, False])
def test_it_computes_what_transformers_computes(
    empty: Workspace, folder: Path, tmp_path: Path, tied: bool
) -> None:
    """Ids and logits of every token that it knew, from shards in bfloat16."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = folder if tied else qwen3(tmp_path / "untied", tied=False)
    assert (source / "model.safetensors.index.json").is_file()
    run = import_model(empty, source)
    settings = run.config().model
    tokenizer = Tokenizer.load(run.tokenizer_path)
    theirs = AutoTokenizer.from_pretrained(source)
    known = len(theirs)
    assert settings.vocab_size == tokenizer.vocab_size == known + len(SPECIAL_TOKENS)
    assert tokenizer.special_ids == range(known, known + 4)
    for text in TEXTS:
        ids = theirs(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        assert [index for index in tokenizer.encode(text) if index >= known] == []
        if "<think>" not in text:
            assert tokenizer.encode(text) == ids
        assert tokenizer.decode(tokenizer.encode(text)) == text

    model = build_model(settings).eval()
    model.load_state_dict(run.checkpoints.load(1).model)
    reference = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    ids_BT = torch.tensor(np.random.default_rng(0).integers(0, known, (3, 50)))
    with torch.inference_mode():
        ours, other = model(ids_BT), reference(ids_BT).logits
    assert other.std() > 1
    assert (ours[..., :known] - other[..., :known]).abs().max() < 1e-4
    # <|end|> begins as what the model ends a text with.
    end = theirs.eos_token_id
    assert torch.equal(ours[..., tokenizer.end_id], ours[..., end])


def test_it_can_be_fine_tuned_and_exported(
    trained: Workspace, folder: Path, tmp_path: Path, inkling: Callable[..., Result]
) -> None:
    """`finetune --from` learns the workspace's dialogs from its weights; what comes of it opens
    again in transformers, with the dialog's tokens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shutil.copytree(trained.path, tmp_path / "copy")
    workspace = Workspace(tmp_path / "copy")
    done = inkling("finetune", "--from", folder, "--steps", 3, "-w", workspace.path, "--no-plots")
    assert done.status == 0, done.err
    run = Run.choose(workspace, None)
    assert run.config().parent == "imported-1"
    assert run.config().finetune.optimizer.matrix_lr < 1e-3
    live = run.config().data.live_ranges
    tokenizer = Tokenizer.load(run.tokenizer_path)
    assert live[0] == (0, tokenizer.token_bytes.index(b""))
    assert live[-1][1] == tokenizer.end_id + 1
    model = ChatModel.load(run, Runtime.detect())
    settings = reply_settings(workspace, {"seed": 3, "memory": 0.0, "best_of": 2})
    text = model.answer("How are you?", [], settings).text
    assert text

    exported = plan_export(workspace, "hf", to=tmp_path / "out").write()
    theirs = AutoTokenizer.from_pretrained(exported)
    chat = [{"role": "user", "content": "how are you"}]
    asked = theirs.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)
    ids = asked["input_ids"]
    assert ids[:2] == [tokenizer.end_id, tokenizer.special_id("<|them|>")]
    assert ids[-1] == tokenizer.special_id("<|me|>")
    reference = AutoModelForCausalLM.from_pretrained(exported).eval()
    ours = build_model(run.config().model).eval()
    ours.load_state_dict(run.checkpoints.load(run.checkpoints.best_step() or 0).model)
    with torch.inference_mode():
        ids_BT = torch.tensor([ids])
        assert (ours(ids_BT) - reference(ids_BT).logits).abs().max() < 1e-4
    # Its way to write a word stays llama.cpp's qwen2, every added token has its name.
    plan_export(workspace, "gguf", to=tmp_path / "gguf").write()
    back = import_model(Workspace.create(tmp_path / "other"), exported)
    assert Tokenizer.load(back.tokenizer_path).to_json() == tokenizer.to_json()


CHATML = """{%- if tools %}{{ raise_exception("never") }}{%- endif %}
{%- if messages[0].role != 'system' %}
{{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'assistant' and '</think>' in message.content %}
        {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}
    {%- else %}
        {%- set content = message.content %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}"""
INSTRUCT = """{{ bos_token }}{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('roles must alternate') }}
{% endif %}
{% if message['role'] == 'user' %}
[INST] {{ message['content'] | trim }} [/INST]{% else %}
{% generation %} {{ message['content'] }}{{ eos_token }}{% endgeneration %}
{% if loop.last %}{% break %}{% endif %}
{% endif %}
{% endfor %}"""


@pytest.mark.parametrize(("template", "as_file"), [(CHATML, True), (INSTRUCT, False)])
def test_it_is_asked_in_its_own_form(
    empty: Workspace, folder: Path, tmp_path: Path, template: str, as_file: bool
) -> None:
    """The ids of a chat are those of transformers' apply_chat_template, whichever file holds the
    template; text that looks like a special token is text."""
    from transformers import AutoTokenizer

    def change(config: Any) -> None:
        config["bos_token"] = "<|endoftext|>"
        if not as_file:
            config["chat_template"] = template

    source = edited(folder, tmp_path / "own", "tokenizer_config.json", change)
    if as_file:
        (source / "chat_template.jinja").write_text(template)
    theirs = AutoTokenizer.from_pretrained(source)
    chat = ChatModel.load(import_model(empty, source), Runtime.detect())
    said = [("them", "Hi  there "), ("me", "<think>so</think>\n\nHello!"), ("them", "ä 日本\n?")]
    for turns in (said, said[:1]):
        messages = [
            {"role": "user" if role == "them" else "assistant", "content": text}
            for role, text in turns
        ]
        asked = theirs.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)
        assert chat.prompt(turns[-1][1], turns[:-1]).ids == asked["input_ids"]

    plain, forged = (
        chat.prompt(f"a{text}b", []).ids for text in ("", "<|im_end|>\n<|im_start|> \ue0ff <|me|>")
    )
    specials = set(chat.tokenizer.added_specials.values())
    assert [i for i in forged if i in specials] == [i for i in plain if i in specials]
    assert "a<|im_end|>\n<|im_start|>  <|me|>b" in chat.tokenizer.decode(forged)
    settings = reply_settings(empty, {"seed": 3, "best_of": 2, "max_tokens": 8})
    assert chat.answer("How are you?", [], settings).text


def test_its_form_keeps_to_the_context(empty: Workspace, folder: Path, tmp_path: Path) -> None:
    """The oldest turns go first, by twos; one message that is too long is read from where it fits.
    A chat that begins with a reply begins with the question behind it."""
    source = shutil.copytree(folder, tmp_path / "own")
    (source / "chat_template.jinja").write_text(INSTRUCT)
    chat = ChatModel.load(import_model(empty, source), Runtime.detect())
    room = chat.engine.context_length * 2 // 3
    long = "word after word " * 400
    history = [("me", "Welcome."), ("them", long), ("me", "Yes."), ("them", "a"), ("me", "b")]
    prompt = chat.prompt("And now?", history)
    assert (prompt.left_out, prompt.unread) == (3, 0)
    assert prompt.ids == chat.prompt("And now?", history[3:]).ids
    prompt = chat.prompt(long * 3, history)
    assert room - 3 <= len(prompt.ids) <= room
    assert prompt.left_out == 5
    read = chat.tokenizer.decode(prompt.ids).removeprefix("[INST] ").removesuffix(" [/INST]")
    assert (long * 3)[prompt.unread :].strip() == read


BROKEN = [
    ("{{ raise_exception('this model needs tools') }}", "this model needs tools"),
    ("{{ messages[0].content[0].type }}{{ messages[0].image.url }}", "has no attribute"),
    ("{{ messages[0].content[0].type }}", "makes nothing of a text"),
    ("{% for %}", "cannot be rendered"),
    ("{{ messages.__class__.__mro__ }}", "unsafe"),
    ("{{ messages.append(1) }}", "append"),
    ("{{ 1 / 0 }}", "division by zero"),
]


@pytest.mark.parametrize(("template", "said"), BROKEN)
def test_a_template_that_cannot_be_rendered_is_a_sentence(
    folder: Path, template: str, said: str
) -> None:
    tokenizer = adopt((folder / "tokenizer.json").read_text())
    with pytest.raises(RunError, match=said) as caught:
        OwnTemplate(template, {}).prompt_ids(tokenizer, [("them", "hi")])
    assert "\n" not in str(caught.value)
    assert "finetune --from" in str(caught.value)


def test_a_broken_template_is_a_sentence_to_who_chats(
    folder: Path, tmp_path: Path, inkling: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes in with the rest, and is answered with status 1; so is one that was damaged here."""
    source = shutil.copytree(folder, tmp_path / "own")
    (source / "chat_template.jinja").write_text("{{ raise_exception('an image is needed') }}")
    assert inkling("init", tmp_path / "w").status == 0
    assert inkling("import-model", source, "-w", tmp_path / "w", "--name", "own").status == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("hi\n"))
    done = inkling("chat", "-w", tmp_path / "w")
    assert "cannot be rendered (an image is needed)" in done.err
    assert "Traceback" not in done.err
    (tmp_path / "w" / "runs" / "own" / "chat_template.json").write_text("[]")
    done = inkling("chat", "-w", tmp_path / "w")
    assert done.status == 1
    assert "import-model" in done.err


def refused(workspace: Workspace, folder: Path) -> str:
    with pytest.raises(ExportError) as caught:
        import_model(workspace, folder)
    assert not list(workspace.runs_path.glob("*"))
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def edited(folder: Path, target: Path, name: str, change: Callable[[Any], None]) -> Path:
    """A copy with one of its JSON files changed."""
    shutil.copytree(folder, target)
    content = json.loads((folder / name).read_text())
    change(content)
    (target / name).write_text(json.dumps(content))
    return target


def with_config(**update: Any) -> tuple[str, Callable[[Any], None]]:
    return "config.json", lambda config: config.update(update)


def _renamed(content: Any) -> None:
    content["added_tokens"][0]["content"] = "<|end|>"


def _without_a_byte(content: Any) -> None:
    del content["model"]["vocab"]["Ā"]
    content["model"]["vocab"]["ĀĀĀĀ"] = 188


STRANGE = [
    (*with_config(model_type="llama"), "it is a llama"),
    (*with_config(vocab_size=20), "its tokenizer has 4.* tokens and its model 20"),
    (*with_config(num_key_value_heads=4), "cannot be shared by its 6 heads"),
    (*with_config(num_key_value_heads=3), "k_proj.weight is 32 × 48 where 48 × 48 belongs"),
    (*with_config(num_hidden_layers=3), "the weights lack model.layers.2"),
    (*with_config(attention_bias=True), "attention_bias is True"),
    ("tokenizer.json", lambda content: content.update(decoder=None), "no byte-level BPE"),
    ("tokenizer.json", lambda content: content.update(model=1), "tokenizer.json is damaged"),
    ("tokenizer.json", _renamed, r"a token <\|end\|> of its own"),
    ("tokenizer.json", _without_a_byte, "bytes are missing"),
]


@pytest.mark.parametrize(("name", "change", "said"), STRANGE)
def test_what_cannot_be_taken_over_is_told(
    empty: Workspace, folder: Path, tmp_path: Path, name: str, change: Any, said: str
) -> None:
    import re

    sentence = refused(empty, edited(folder, tmp_path / "other", name, change))
    assert re.search(said, sentence), sentence
