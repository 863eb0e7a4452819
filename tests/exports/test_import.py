"""An exported folder back as a run, and folders that are none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from inkling.errors import ExportError
from inkling.exports.qwen3 import qwen3_config, settings_of
from inkling.inference.chat import ChatModel
from inkling.run_files import EXPORT_MARK as MARK
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.settings import reply_settings
from inkling.workflows.export import import_model, plan_export
from inkling.workspace import Workspace
from tests.conftest import Result


@pytest.fixture(scope="module")
def folder(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("exports") / "hf"
    return plan_export(trained, "hf", to=target).write()


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "empty")


@pytest.fixture
def damaged(folder: Path, tmp_path: Path) -> Path:
    """A copy without its mark, for a test to spoil."""
    shutil.copytree(folder, tmp_path / "damaged")
    (tmp_path / "damaged" / MARK).unlink()
    return tmp_path / "damaged"


@pytest.mark.parametrize("marked", [True, False])
def test_what_comes_back_is_what_left(
    trained: Workspace, empty: Workspace, folder: Path, damaged: Path, marked: bool
) -> None:
    """Weights and tokenizer to the bit, also where only another program's files are there."""
    run = import_model(empty, folder if marked else damaged)
    assert run.name == "imported-1"
    before, after = Run.choose(trained, None), Run.choose(empty, None)
    ours, theirs = (
        each.checkpoints.load(each.checkpoints.best_step() or 0).model for each in (before, after)
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert json.loads(after.tokenizer_path.read_text()) == json.loads(
        before.tokenizer_path.read_text()
    )
    again = plan_export(empty, "hf", to=Path("again")).write()
    for name in ("model.safetensors", "tokenizer.json", "config.json", "tokenizer_config.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_an_imported_run_says_the_same(trained: Workspace, empty: Workspace, folder: Path) -> None:
    import_model(empty, folder, "back")
    texts = []
    for workspace in (trained, empty):
        model = ChatModel.load(Run.choose(workspace, None), Runtime.detect())
        settings = reply_settings(workspace, {"seed": 3, "memory": 0.0, "best_of": 2})
        texts.append(model.answer("How are you?", [], settings).text)
    assert texts[0] == texts[1] != ""


def test_it_can_be_fine_tuned(
    trained: Workspace, folder: Path, tmp_path: Path, inkling: Callable[..., Result]
) -> None:
    """`finetune --from` brings a folder in and goes on from its weights."""
    shutil.copytree(trained.path, tmp_path / "copy")
    done = inkling(
        "finetune", "--from", folder, "--steps", 2, "-w", tmp_path / "copy", "--no-plots"
    )
    assert done.status == 0, done.err
    tuned = Run.choose(Workspace(tmp_path / "copy"), None)
    assert tuned.config().parent == "imported-1"


def test_what_needs_its_text_says_so(
    empty: Workspace, folder: Path, inkling: Callable[..., Result]
) -> None:
    """It brings none: no evaluation, no tracing; a sentence each, and the list still shows it."""
    import_model(empty, folder)
    for command in (("eval",), ("trace", "some words that it might know")):
        done = inkling(*command, "-w", empty.path)
        assert done.status == 1
        assert "imported-1" in done.err
        assert "failed in a way" not in done.err
    assert "imported-1" in inkling("runs", "-w", empty.path).out


def refused(workspace: Workspace, folder: Path) -> str:
    with pytest.raises(ExportError) as caught:
        import_model(workspace, folder)
    assert not workspace.run_names()
    assert not list(workspace.runs_path.glob("*"))
    return str(caught.value)


def edit(path: Path, **update: Any) -> None:
    content = json.loads(path.read_text()) | update
    path.write_text(json.dumps({k: v for k, v in content.items() if v != "gone"}))


def test_a_folder_that_is_none_is_told(empty: Workspace, tmp_path: Path) -> None:
    assert "is not there" in refused(empty, tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    assert "not a folder" in refused(empty, tmp_path / "file")
    (tmp_path / "bare").mkdir()
    assert "no config.json" in refused(empty, tmp_path / "bare")
    (tmp_path / "bare" / "m.gguf").write_bytes(b"GGUF")
    assert "GGUF" in refused(empty, tmp_path / "bare")


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"model_type": "llama"}, "it is a llama"),
        ({"model_type": "gone"}, "no known architecture"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"num_key_value_heads": 3}, "cannot be shared by its"),
        ({"num_key_value_heads": 1}, "do not fit the settings"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "'yarn'"),
        ({"rope_parameters": [10_000]}, "rope_parameters"),
        ({"quantization_config": {"quant_method": "fp8"}}, "rounded weights"),
        ({"quantization": {"bits": 4, "group_size": 64}}, "rounded weights"),
        ({"hidden_size": "wide"}, "n_embd"),
        ({"head_dim": "gone"}, "head_dim"),
        ({"intermediate_size": 16}, "do not fit the settings"),
        ({"num_hidden_layers": 40}, "the weights lack"),
        ({"vocab_size": 5}, "its tokenizer has"),
    ],
)
def test_a_config_of_another_model_is_told(
    empty: Workspace, damaged: Path, update: dict[str, Any], said: str
) -> None:
    edit(damaged / "config.json", **update)
    if update.get("num_key_value_heads") == 1:
        edit(damaged / "config.json", num_attention_heads=2)
    assert said in refused(empty, damaged)


def test_weights_in_whole_numbers_are_refused(empty: Workspace, damaged: Path) -> None:
    """Rounded ones without their scales are another model, though every shape fits."""
    weights = load_file(damaged / "model.safetensors")
    name = next(name for name, weight in weights.items() if weight.ndim == 2)
    weights[name] = (100 * weights[name]).to(torch.int8)
    save_file(weights, damaged / "model.safetensors")
    assert "holds whole numbers" in refused(empty, damaged)


def test_damaged_parts_are_told(empty: Workspace, damaged: Path) -> None:
    weights = damaged / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    assert "model.safetensors is damaged" in refused(empty, damaged)
    weights.unlink()
    assert "no model.safetensors" in refused(empty, damaged)
    weights.write_bytes(content)
    (damaged / "tokenizer.json").write_text('{"model": 1}')
    assert "tokenizer.json is damaged" in refused(empty, damaged)
    (damaged / "config.json").write_text("{")
    assert "config.json cannot be read" in refused(empty, damaged)


def test_a_marked_folder_that_was_changed_is_told(
    empty: Workspace, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "changed")
    edit(tmp_path / "changed" / "config.json", rms_norm_eps=1e-5)
    assert "cut short or changed" in refused(empty, tmp_path / "changed")
    (tmp_path / "changed" / MARK).write_text('{"version": 99}')
    assert "newer version" in refused(empty, tmp_path / "changed")
    (tmp_path / "changed" / MARK).write_text("[]")
    assert "is damaged" in refused(empty, tmp_path / "changed")


def test_a_taken_name_is_told(empty: Workspace, folder: Path) -> None:
    import_model(empty, folder, "mine")
    with pytest.raises(ExportError, match="already a run called 'mine'"):
        import_model(empty, folder, "mine")


def test_settings_survive_qwen3s_names(trained: Workspace) -> None:
    settings = Run.choose(trained, None).config().model
    plain = settings.model_copy(update={"dropout": 0.0, "embedding_std": 0.02})
    assert settings_of(qwen3_config(settings, 1, 2)) == plain
