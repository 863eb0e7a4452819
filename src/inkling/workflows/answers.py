"""A list of prompts, answered by one run or by two side by side, and kept with the run.

Knows: where the prompts come from and what `answers.md` looks like. Does not know how replies
are generated. Data: prompts + models -> replies -> `runs/NAME/answers.md`.

The same run, prompts and seed give the same file, so two versions of it can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.atomic_files import atomic_write
from inkling.corpus.demo import demo_corpus
from inkling.errors import UsageError, explain_os_error
from inkling.wording import plural
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.config import SamplingSettings
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run

MAX_PROMPTS = 10_000


@dataclass
class Answers:
    """Replies to a list of prompts: a row a prompt, a column a model."""

    source: str
    """Where the prompts come from, in words."""
    prompts: list[str]
    runs: Sequence[Run]
    models: Sequence[ChatModel]
    """Those of the runs."""
    settings: SamplingSettings
    replies: list[list[str]] = field(default_factory=list)

    def generate(self) -> Iterator[tuple[str, list[str]]]:
        """Each prompt with its replies, as they are generated."""
        for prompt in self.prompts:
            row = ["".join(model.reply(prompt, [], self.settings)) for model in self.models]
            self.replies.append(row)
            yield prompt, row

    def save(self, run: Run) -> Path:
        """Write answers.md into a run's folder; its path."""
        atomic_write(run.answers_path, self.markdown())
        return run.answers_path

    def markdown(self) -> str:
        """The content of answers.md."""
        heads = [
            f"{run.name}, step {model.step:,}"
            for run, model in zip(self.runs, self.models, strict=True)
        ]
        lines = [
            "# Answers",
            "",
            f"{plural(len(self.prompts), 'prompt')} from {self.source}, each asked alone, every "
            f"answer kept. {describe(self.settings)}.",
            "",
            f"| prompt | {' | '.join(map(cell, heads))} |",
            f"| --- |{' --- |' * len(heads)}",
        ]
        for prompt, replies in zip(self.prompts, self.replies, strict=True):
            lines.append(f"| {cell(prompt)} | {' | '.join(map(cell, replies))} |")
        return "\n".join(lines) + "\n"


def read_prompts(workspace: Workspace, given: Path | None) -> tuple[str, list[str]]:
    """Where the prompts come from, in words, and the prompts. Blank lines and lines that begin
    with # are left out. Raises UsageError where there are none."""
    if given is not None:
        path, source = given, given.name
    elif workspace.prompts_path.is_file():
        path, source = workspace.prompts_path, workspace.prompts_path.name
    else:
        path, source = demo_corpus() / "questions.txt", "the demo's questions"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            f"{path} is not UTF-8 text. Save it as UTF-8, one prompt a line."
        ) from None
    except OSError as error:
        raise UsageError(explain_os_error(error, path, "read")) from None
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise UsageError(f"{path} holds no prompts. Write one a line.")
    if len(found) > MAX_PROMPTS:
        raise UsageError(f"{path} holds {len(found):,} prompts; ask at most {MAX_PROMPTS:,}.")
    return source, found


def describe(settings: SamplingSettings) -> str:
    """Seed and settings in one phrase; those that are off are not named."""
    parts = [f"Seed {settings.seed}", f"temperature {settings.temperature:g}"]
    parts += [f"top-k {settings.top_k}"] if settings.top_k else []
    parts += [f"top-p {settings.top_p:g}"] if settings.top_p < 1 else []
    parts += [f"min-p {settings.min_p:g}"] if settings.min_p else []
    if settings.repetition_penalty > 1:
        parts.append(f"repetition penalty {settings.repetition_penalty:g}")
    return ", ".join([*parts, f"at most {plural(settings.max_tokens, 'token')}"])


def cell(text: str) -> str:
    """Text as one table cell: what Markdown or HTML would act on stays text."""
    shown = " ".join(text.split())
    for character, shown_as in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`")):
        shown = shown.replace(character, shown_as)
    return shown
