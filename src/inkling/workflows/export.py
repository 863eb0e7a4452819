"""A run written in the form of another engine, and one read back, as library calls.

Knows: which run is meant, where its export goes, in which order it is checked and written. Does
not know who asks or what a person says to the warnings.
Data: workspace + kind -> `plan_export` -> `PlannedExport.write` -> a folder; a folder ->
`import_model` -> a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.errors import ExportError, UsageError
from inkling.exports.kinds import GGUF_TYPES, ExportKind, GgufType
from inkling.settings import reply_settings
from inkling.workflows.speaker import speaker_name
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.evaluation.schema import EvaluationReport
    from inkling.exports.exportable_run import ExportableRun
    from inkling.exports.page_memory import PageMemory
    from inkling.runs import Run

_BYTES = {"f32": 4.0, "f16": 2.0, "q8_0": 34 / 32}
"""Of one weight; a block of Q8_0 has 32 of a byte and a scale of two."""
_PAGE_BYTES = 4 / 3
"""Of a weight in a page: a byte in base64."""
_TOKEN_BYTES, _OTHER_BYTES = 60, 150_000
"""What a token of the vocabulary, and all else, may take."""


@dataclass(frozen=True)
class PlannedExport:
    """An export that is checked and not yet written."""

    kind: ExportKind
    model: ExportableRun
    report: EvaluationReport | None
    target: Path
    gguf_type: GgufType
    force: bool
    memory: PageMemory | None = None
    """What was said before, for a page that answers with it."""

    @property
    def warnings(self) -> list[str]:
        """Reasons not to give it away, each a sentence."""
        from inkling.exports.safety import warnings

        return [*warnings(self.model.config, self.report), *self.memory_warnings]

    @property
    def memory_warnings(self) -> list[str]:
        """What of them holds for an export with a memory alone."""
        return [] if self.memory is None else [self.memory.sentence(self.model.name)]

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        parameters = self.model.settings.parameter_count()
        if self.kind == "page":
            said = 0 if self.memory is None else self.memory.size
            weights = int(parameters * _PAGE_BYTES) + said
        else:
            weights = int(parameters * _BYTES[self.gguf_type if self.kind == "gguf" else "f32"])
        return weights + self.model.settings.vocab_size * _TOKEN_BYTES + _OTHER_BYTES

    @property
    def file_name(self) -> str:
        """Of the one file that a folder of GGUF, or of a page, is about; else nothing."""
        from inkling.exports.page_file import page_name

        if self.kind == "page":
            return page_name(self.model)
        return f"{self.model.config.name}-{self.gguf_type}.gguf" if self.kind == "gguf" else ""

    def write(self) -> Path:
        """Write the folder, whole or not at all; where it is. Raises ExportError."""
        from inkling.exports.folder import export_folder, new_mark
        from inkling.exports.gguf_file import write_gguf
        from inkling.exports.huggingface import write_huggingface
        from inkling.exports.model_card import model_card
        from inkling.exports.ollama import modelfile
        from inkling.exports.page_file import page_html
        from inkling.exports.usage import usage

        mark = new_mark(self.kind, self.model, self.memory is not None)
        with export_folder(self.target, mark, self.size, self.force) as folder:
            if self.kind == "gguf":
                write_gguf(folder / self.file_name, self.model, self.gguf_type)
                content = modelfile(self.model, self.file_name)
                (folder / "Modelfile").write_text(content, encoding="utf-8")
            elif self.kind == "page":
                content = page_html(self.model, self.report, self.memory)
                # Half a surrogate pair, as exports of chats sometimes hold, has no place in UTF-8.
                (folder / self.file_name).write_text(content, encoding="utf-8", errors="replace")
            else:
                write_huggingface(folder, self.model)
            said = "".join(self.memory_warnings)
            opened = usage(self.kind, self.file_name)
            card = model_card(self.model, self.report, opened, said or None)
            (folder / "README.md").write_text(card, encoding="utf-8")
        return self.target


def plan_export(
    workspace: Workspace,
    kind: ExportKind,
    run: str | None = None,
    *,
    to: Path | None = None,
    gguf_type: str = "f16",
    force: bool = False,
    memory: bool = True,
) -> PlannedExport:
    """Check that the named run, else the newest, can be exported, and decide where to.

    `to` is by default `exports/RUN-KIND` in the workspace; an export that is there already is
    replaced with `force` alone. `memory`: whether a page takes along what was said before, where
    the run answers with that. Raises ExportError, RunError, CheckpointError, TokenizerError and
    UsageError, each with a sentence for a person.
    """
    chosen = next((name for name in GGUF_TYPES if name == gguf_type.lower()), None)
    if chosen is None:
        raise UsageError(f"--type must be one of {', '.join(GGUF_TYPES)}; you gave {gguf_type}.")
    from inkling.evaluation.schema import read_report
    from inkling.exports.exportable_run import load_exportable
    from inkling.exports.folder import check_target
    from inkling.runs import Run

    found = Run.choose(workspace, run)
    target = (to or workspace.exports_path / f"{found.name}-{kind}").absolute()
    check_target(target, force)
    model = load_exportable(found, speaker_name(workspace), reply_settings(workspace))
    said = None
    if kind == "page" and memory and model.tuned and model.sampling.memory > 0:
        from inkling.exports.page_memory import page_memory

        said = page_memory(workspace, found)
    return PlannedExport(kind, model, read_report(found), target, chosen, force, said)


def import_model(workspace: Workspace, folder: Path, name: str | None = None) -> Run:
    """Bring an exported folder (hf or mlx), or any Qwen3 in Hugging Face's form, into the workspace
    as a new run.

    The run has the weights, the tokenizer and what is known of its training, but none of its text:
    it chats, can be fine-tuned and exported, and cannot be traced or evaluated. Raises ExportError
    where the folder holds no such model or its parts do not fit each other.
    """
    from inkling.atomic_files import atomic_write
    from inkling.exports.imported_model import read_model
    from inkling.permissions import make_private_folder
    from inkling.preparation import nothing_half_begun
    from inkling.run_files import OPTIMIZER_FILE, TEMPLATE_FILE
    from inkling.run_names import next_name
    from inkling.runs import Run

    with workspace.training_lock():
        run_name = name or next_name(workspace, "imported")
        path = workspace.run_path(run_name)
        if path.exists():
            raise ExportError(
                f"There is already a run called {run_name!r}. Choose another with --name."
            )
        model = read_model(folder, run_name)
        with nothing_half_begun(path):
            run = Run(path)
            make_private_folder(path)
            model.tokenizer.save(run.tokenizer_path)
            if model.template is not None:
                atomic_write(path / TEMPLATE_FILE, model.template.to_json())
            phase = "finetune" if model.tuned else "train"
            run.checkpoints.save(model.step, {"phase": phase}, model.tensors(), {})
            # It has the weights alone: nothing to resume from.
            (run.checkpoints.path(model.step) / OPTIMIZER_FILE).unlink()
            run.checkpoints.write_best(model.best())
            run.write_config(model.config)
    return run
