"""What is written, what is said before, and what is refused with nothing left behind."""

from __future__ import annotations

import json
import shutil
import stat
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from inkling.config import LadderSettings, SamplingSettings
from inkling.errors import ExportError, RunError
from inkling.evaluation.schema import Copied, EvaluationReport, Leak, Missing, Verdict
from inkling.exports.exportable_run import load_exportable
from inkling.exports.folder import read_mark
from inkling.exports.model_card import model_card
from inkling.exports.page_file import page_name
from inkling.exports.safety import warnings
from inkling.run_files import EXPORT_MARK as MARK
from inkling.runs import Run
from inkling.workflows.export import plan_export
from inkling.workspace import Workspace
from tests.conftest import Result, made_read_only

Inkling = Callable[..., Result]


@pytest.fixture
def copy(trained: Workspace, tmp_path: Path) -> Workspace:
    """A workspace that may be damaged."""
    shutil.copytree(trained.path, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


def test_hf_writes_a_private_folder_with_its_card(trained: Workspace, inkling: Inkling) -> None:
    """Every file that transformers asks for, readable by its owner alone, and what it is."""
    done = inkling("export", "hf", "-w", trained.path, "--to", "out", "--yes")
    assert done.status == 0, done.err
    folder = Path("out")
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
        "generation_config.json", "README.md", MARK,
    }  # fmt: skip
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    _, header, body = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header)["pipeline_tag"] == "text-generation"
    data = Run.choose(trained, None).config().data
    for said in (
        "It speaks as wilma. It is not wilma", "may contain private text",
        f"{data.train_characters:,} characters", "also stands in the training text",
        "was not measured", "does not travel",
    ):  # fmt: skip
        assert said in body, said


@pytest.fixture
def named(copy: Workspace, inkling: Inkling) -> Workspace:
    """A workspace called like its folder, in which it is known who "me" is."""
    settings = copy.config_path.read_text().replace('name = "wilma"', 'name = "copy"')
    copy.config_path.write_text(settings)
    who = ("corpus", "who", "-w", copy.path)
    assert inkling(*who, "w@example.org", "--for", "mail").status == 0
    assert inkling(*who, "Wilma Ito", "wilma.i").status == 0
    return copy


@pytest.mark.parametrize(
    ("name", "file"), [("Wilma Ito", "wilma-ito"), ("Ünï", "uni"), ("Łucja", "ucja"), ("Ада", "r")]
)
def test_a_page_is_called_as_the_person(trained: Workspace, name: str, file: str) -> None:
    """In letters that every system takes; as the run where none are left."""
    model = load_exportable(Run.choose(trained, None), name, SamplingSettings())
    expected = file if file != "r" else model.config.name
    assert page_name(model) == f"small-model-of-{expected}.html"


@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        ("hf", "README.md", "It speaks as Wilma Ito. It is not Wilma Ito"),
        ("gguf", "Modelfile", "# Wilma Ito: ollama create"),
        ("page", "small-model-of-wilma-ito.html", "on what Wilma Ito wrote"),
    ],
)
def test_what_is_exported_speaks_as_the_person(
    named: Workspace, inkling: Inkling, kind: str, file: str, said: str
) -> None:
    """Not as the folder, where it is known who "me" is."""
    done = inkling("export", kind, "-w", named.path, "--to", "out", "--yes")
    assert done.status == 0, done.err
    assert said in Path("out", file).read_text()
    assert "speaks as copy" not in Path("out", "README.md").read_text()


def test_one_name_everywhere(named: Workspace, inkling: Inkling) -> None:
    """The page and the terminal say the same; a name that was chosen is kept; an address is no
    name; a damaged corpus leaves the workspace's."""
    from fastapi.testclient import TestClient

    from inkling.inference.scheduler import Scheduler
    from inkling.server.app import create_app
    from inkling.server.training_process import TrainingProcess
    from inkling.workflows.speaker import speaker_name

    assert speaker_name(named) == "Wilma Ito"
    app = create_app(Scheduler(named), TrainingProcess(named), named.name, any_account=True)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/api/health").json()["name"] == "Wilma Ito"
        assert client.get("/v1/models").json()["data"][0]["id"] == "copy"
        # Said while the server runs, and taken back.
        assert inkling("corpus", "who", "--clear", "-w", named.path).status == 0
        assert client.get("/api/health").json()["name"] == "copy"
        assert client.get("/api/runs").json()["name"] == "copy"
    assert speaker_name(named) == "copy"
    assert inkling("corpus", "who", "Wilma", "--for", "whatsapp", "-w", named.path).status == 0
    assert speaker_name(named) == "Wilma"
    chosen = named.config_path.read_text().replace('name = "copy"', 'name = "Mina"')
    named.config_path.write_text(chosen)
    assert speaker_name(named) == "Mina"
    named.config_path.write_text(chosen.replace("Mina", "copy"))
    named.corpus_path.write_bytes(b"no database" * 1000)
    assert speaker_name(named) == "copy"


def test_nothing_of_the_text_is_in_what_describes_it(trained: Workspace, inkling: Inkling) -> None:
    """Weights and vocabulary excepted: no starter question, no title, no name."""
    assert inkling("export", "hf", "-w", trained.path, "--to", "out", "--yes").status == 0
    config = Run.choose(trained, None).config()
    assert config.starters
    for name in ("README.md", MARK, "config.json", "generation_config.json"):
        text = Path("out", name).read_text()
        assert not any(starter in text for starter in config.starters), name
    assert config.data.corpus_hash not in Path("out", MARK).read_text()


def test_without_an_evaluation_it_warns_and_asks(trained: Workspace, inkling: Inkling) -> None:
    """Nobody can be asked here, so nothing is written without --yes."""
    refused = inkling("export", "hf", "-w", trained.path, "--to", "out")
    assert refused.status == 2
    assert "inkling eval --run tiny" in refused.err
    assert "--yes" in refused.err
    assert not Path("out").exists()


def report(copied: Copied | Missing) -> EvaluationReport:
    missing = Missing(why="It was not asked for.")
    return EvaluationReport(
        run="tiny", recipe="modern", made="", inkling_version="", seed=0, parameters=1,
        train_characters=1, verdict=Verdict(warning=False, text="It is fine."),
        leak=Leak(writing=0, replies=None, xz_ratio=None), writing=missing, replies=missing,
        loops=missing, copied=copied, voice=missing, sampling=SamplingSettings(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("share", "longest", "warned"),
    [(0.0, 0, False), (0.099, 79, False), (0.1, 40, True), (0.01, 80, True)],
)
def test_it_warns_where_the_model_copies(
    trained: Workspace, share: float, longest: int, warned: bool
) -> None:
    """A tenth of what it writes, or one whole sentence, and never says which."""
    config = Run.choose(trained, None).config()
    copied = Copied(
        replies=20, min_characters=30, share=share, longest=longest, text="a secret", source="x"
    )
    found = warnings(config, report(copied))
    assert bool(found) == warned
    assert "a secret" not in "".join(found)


def test_a_suspect_loss_comes_with_its_reasons(trained: Workspace) -> None:
    """In the question before an export, and in the card, which does not say that nobody ever said
    what the model may have by heart."""
    suspect = Verdict(warning=True, text="It knew that text.", reasons=("12% of it leaks.",))
    fine = Copied(replies=9, min_characters=30, share=0, longest=0, text="", source="")
    found = report(fine).model_copy(update={"verdict": suspect})
    run = Run.choose(trained, None)
    assert warnings(run.config(), found) == ["It knew that text. 12% of it leaks."]
    card = model_card(load_exportable(run, "Wilma", SamplingSettings()), found, "")
    assert "It knew that text. 12% of it leaks." in card
    assert "may never have been said by anyone" in " ".join(card.split())


def test_an_unfinished_run_is_exported_with_a_warning(trained: Workspace) -> None:
    config = Run.choose(trained, None).config().model_copy(update={"complete": False})
    fine = Copied(replies=9, min_characters=30, share=0, longest=0, text="", source="")
    assert "--resume --run tiny" in warnings(config, report(fine))[0]
    assert (
        "It was not asked for" in warnings(config, report(Missing(why="It was not asked for.")))[1]
    )


def test_gguf_writes_metadata_and_a_modelfile(trained: Workspace, inkling: Inkling) -> None:
    """What llama.cpp and Ollama read beside the weights."""
    import gguf

    done = inkling(
        "export", "gguf", "--type", "Q8_0", "-w", trained.path, "--to", "out", "--yes", "--json"
    )
    assert done.status == 0, done.err
    assert set(json.loads(done.out)["files"]) == {
        "tiny-q8_0.gguf", "Modelfile", "README.md", MARK,
    }  # fmt: skip
    reader = gguf.GGUFReader("out/tiny-q8_0.gguf")
    fields = {key: field.contents() for key, field in reader.fields.items()}
    run = Run.choose(trained, None)
    tokenizer = json.loads(run.tokenizer_path.read_text())
    settings = run.config().model
    assert fields["general.architecture"] == "qwen3"
    assert fields["qwen3.context_length"] == settings.context_length
    assert fields["general.sampling.temp"] == pytest.approx(0.5)
    assert fields["tokenizer.ggml.pre"] == "qwen2"
    assert len(fields["tokenizer.ggml.tokens"]) == settings.vocab_size
    assert len(fields["tokenizer.ggml.merges"]) == len(tokenizer["model"]["merges"])
    end = next(t["id"] for t in tokenizer["added_tokens"] if t["content"] == "<|end|>")
    assert fields["tokenizer.ggml.eos_token_id"] == fields["tokenizer.ggml.bos_token_id"] == end
    assert [i for i, kind in enumerate(fields["tokenizer.ggml.token_type"]) if kind == 3] == [
        end, end + 1, end + 2, end + 3,
    ]  # fmt: skip
    assert "<|me|>" in fields["tokenizer.chat_template"]
    kinds = {tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds <= {"Q8_0", "F16", "F32"}
    assert "Q8_0" in kinds
    modelfile = Path("out/Modelfile").read_text()
    assert "FROM ./tiny-q8_0.gguf" in modelfile
    assert 'PARAMETER stop "<|end|>"' in modelfile
    assert f"PARAMETER num_ctx {settings.context_length}" in modelfile


def test_q8_0_rounds_by_less_than_half_a_step(trained: Workspace, tmp_path: Path) -> None:
    """Each block of 32 weights has a scale of its own."""
    import gguf

    for kind in ("f32", "q8_0"):
        plan_export(trained, "gguf", to=tmp_path / kind, gguf_type=kind).write()
    whole, rounded = (
        {t.name: t for t in gguf.GGUFReader(next((tmp_path / kind).glob("*.gguf"))).tensors}
        for kind in ("f32", "q8_0")
    )
    weight = whole["blk.0.ffn_up.weight"].data
    found = rounded["blk.0.ffn_up.weight"]
    values = gguf.dequantize(found.data, found.tensor_type)
    blocks = weight.reshape(-1, 32)
    largest = np.abs(blocks).max(axis=1)
    # Half a step, and what a scale of 11 bits is wrong by at the largest weight.
    allowed = largest / 127 * 0.5 + largest * 2.0**-11
    assert (np.abs(values.reshape(-1, 32) - blocks).max(axis=1) <= 1.001 * allowed).all()


def test_an_export_is_replaced_with_force_alone(trained: Workspace, inkling: Inkling) -> None:
    options = ("-w", trained.path, "--to", "out", "--yes")
    assert inkling("export", "mlx", *options).status == 0
    first = Path("out", MARK).read_bytes()
    again = inkling("export", "hf", *options)
    assert again.status == 1
    assert "--force" in again.err
    assert Path("out", MARK).read_bytes() == first
    assert inkling("export", "hf", *options, "--force").status == 0
    assert read_mark(Path("out")).kind == "hf"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_other_files_is_never_written_over(trained: Workspace, force: bool) -> None:
    Path("mine").mkdir()
    Path("mine/novel.txt").write_text("chapter one")
    Path("file").write_text("x")
    Path("link").symlink_to("mine")
    for target in ("mine", "file", "link"):
        with pytest.raises(ExportError, match="--to"):
            plan_export(trained, "hf", to=Path(target), force=force)
    assert [path.name for path in Path("mine").iterdir()] == ["novel.txt"]


def test_a_folder_without_room_is_told_before_anything_is_written(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    planned = plan_export(trained, "hf", to=Path("out"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 5, 5))
    with pytest.raises(ExportError, match=r"needs about .* MB"):
        planned.write()
    assert not list(Path().iterdir())


def test_a_folder_that_cannot_be_written_is_told(trained: Workspace) -> None:
    Path("closed").mkdir()
    planned = plan_export(trained, "hf", to=Path("closed/out"))
    with made_read_only(Path("closed")), pytest.raises(ExportError, match=r"could not be written"):
        planned.write()
    assert not list(Path("closed").iterdir())


def test_a_failure_in_the_middle_leaves_nothing(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half a folder, nor the loss of the one that was there."""
    plan_export(trained, "hf", to=Path("out")).write()
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    planned = plan_export(trained, "hf", to=Path("out"), force=True)
    with monkeypatch.context() as patched:
        patched.setattr("inkling.exports.model_card.copying_sentence", lambda report: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            planned.write()
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    assert [path.name for path in Path().iterdir()] == ["out"]


def test_the_weights_are_the_best_checkpoints(trained: Workspace) -> None:
    """Under Qwen3's names, fused matrices apart."""
    plan_export(trained, "hf", to=Path("out")).write()
    run = Run.choose(trained, None)
    ours = run.checkpoints.load(run.checkpoints.best_step() or 0).model
    theirs = load_file("out/model.safetensors")
    qkv = np.concatenate([theirs[f"model.layers.0.self_attn.{part}_proj.weight"] for part in "qkv"])
    assert np.array_equal(qkv, ours["blocks.0.attention.qkv.weight"].numpy())
    assert np.array_equal(theirs["lm_head.weight"], ours["head.weight"].numpy())


def refused(workspace: Workspace, run: str | None = None) -> str:
    """The sentence that an export ends with."""
    with pytest.raises((ExportError, RunError)) as caught:
        plan_export(workspace, "hf", run, to=Path("out")).write()
    assert not Path("out").exists()
    return str(caught.value)


def change_config(workspace: Workspace, **update: Any) -> None:
    run = Run.choose(workspace, None)
    run.write_config(run.config().model_copy(update=update))


def test_a_missing_run_is_told(trained: Workspace) -> None:
    assert "There are: tiny" in refused(trained, "nobody")


def test_a_run_whose_text_was_forgotten_is_refused(copy: Workspace) -> None:
    Run.choose(copy, None).mark_stale("a person", 1, 0)
    assert "has since been forgotten" in refused(copy)


@pytest.mark.parametrize("rung", ["bigram", "multihead", "blocks", "classic"])
def test_a_model_that_fits_no_other_engine_is_refused(copy: Workspace, rung: str) -> None:
    """The classic one too: GPT-2 has no bias at its head."""
    change_config(copy, model=LadderSettings(rung=rung, vocab_size=300), recipe=rung)
    sentence = refused(copy, "tiny")
    assert "cannot be exported exactly" in sentence
    assert ("GPT-2" in sentence) == (rung in ("blocks", "classic"))


def test_a_model_of_other_shapes_than_its_config_is_refused(copy: Workspace) -> None:
    settings = Run.choose(copy, None).config().model
    change_config(copy, model=settings.model_copy(update={"n_hidden": 8 + settings.n_hidden}))
    assert "where" in (sentence := refused(copy))
    assert "mlp.down.weight" in sentence


def test_a_name_in_a_config_is_no_path(copy: Workspace) -> None:
    """A run is called as its folder is: a foreign or renamed one writes nothing elsewhere."""
    change_config(copy, name="../../elsewhere")
    planned = plan_export(copy, "gguf")
    planned.write()
    assert planned.file_name == "tiny-f16.gguf"
    assert (planned.target / planned.file_name).is_file()
    assert not list(copy.path.rglob("elsewhere*"))


def test_another_runs_tokenizer_is_refused(copy: Workspace) -> None:
    from inkling.tokens.tokenizer import Tokenizer

    Tokenizer.train(["abc"]).save(Run.choose(copy, None).tokenizer_path)
    assert "not of one run" in refused(copy)


def test_a_half_written_checkpoint_is_told(copy: Workspace) -> None:
    run = Run.choose(copy, None)
    weights = run.checkpoints.path(run.checkpoints.best_step() or 0) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "is damaged" in refused(copy)


def test_a_run_without_a_checkpoint_is_told(copy: Workspace) -> None:
    run = Run.choose(copy, None)
    shutil.rmtree(run.path / "checkpoints")
    assert "its checkpoints are gone" in refused(copy, run.name)
    run.write_config(run.config().model_copy(update={"complete": False}))
    assert "no checkpoint yet" in refused(copy, run.name)


def test_an_unknown_type_is_wrong_usage(trained: Workspace, inkling: Inkling) -> None:
    done = inkling("export", "gguf", "--type", "q2", "-w", trained.path)
    assert done.status == 2
    assert "f32, f16, q8_0" in done.err
