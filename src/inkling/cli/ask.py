"""`inkling ask`: a fixed list of prompts, answered by one run or by two side by side.

Knows: where the prompts come from and what `answers.md` looks like. Does not know how replies
are written. Data: prompts + run -> replies -> terminal and `runs/NAME/answers.md`.

The same run, prompts and seed give the same file, so two versions of it can be compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli.defaults import reply_settings
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace, plural
from inkling.cli.sampling import with_reply_sampling
from inkling.errors import UsageError
from inkling.workspace import Workspace, atomic_write, explain_os_error

if TYPE_CHECKING:
    from inkling.config import SamplingSettings
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run

DEFAULT_SEED = 0
MAX_PROMPTS = 10_000


@with_reply_sampling
def ask(
    sampling: dict[str, Any],
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="A text file, one prompt a line. By default the workspace's prompts.txt, else "
            "the demo's thirty questions.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Another run, answered beside it.", show_default=False)
    ] = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Answer a list of prompts and keep the answers with the run. The seed is 0 unless given."""
    from inkling.cli.talk import load_voice
    from inkling.runs import Run

    found = find_workspace(workspace)
    source, questions = read_prompts(found, prompts)
    settings = reply_settings(found, {"seed": DEFAULT_SEED, **sampling})
    chosen = Run.choose(found, run)
    asked = [chosen, *([Run.choose(found, compare)] if compare is not None else [])]
    if len(asked) == 2 and asked[0].name == asked[1].name:
        raise UsageError(
            f"--compare needs another run than {asked[0].name!r}; inkling runs lists them."
        )
    voices = [load_voice(found, each.name) for each in asked]
    answers: list[list[str]] = []
    for number, question in enumerate(questions, 1):
        typer.echo(f"{number:>{len(str(len(questions)))}}. {question}")
        answers.append([])
        for each, voice in zip(asked, voices, strict=True):
            reply = "".join(voice.reply(question, [], settings))
            label = f"{each.name}: " if len(asked) > 1 else ""
            typer.echo(f"    {label}{' '.join(reply.split())}")
            answers[-1].append(reply)
    text = as_markdown(source, questions, answers, asked, voices, settings)
    atomic_write(chosen.answers_path, text)
    typer.echo(f"{plural(len(questions), 'answer')} kept in {chosen.answers_path}")


def read_prompts(workspace: Workspace, given: Path | None) -> tuple[str, list[str]]:
    """Where the prompts come from, in words, and the prompts. Blank lines and lines that begin
    with # are left out. Raises UsageError where there are none."""
    if given is not None:
        path, source = given, given.name
    elif workspace.prompts_path.is_file():
        path, source = workspace.prompts_path, workspace.prompts_path.name
    else:
        from inkling.cli.start import demo_corpus

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


def as_markdown(
    source: str,
    questions: list[str],
    answers: list[list[str]],
    runs: list[Run],
    voices: list[ChatModel],
    settings: SamplingSettings,
) -> str:
    """The content of answers.md."""
    heads = [f"{run.name}, step {voice.step:,}" for run, voice in zip(runs, voices, strict=True)]
    lines = [
        "# Answers",
        "",
        f"{plural(len(questions), 'prompt')} from {source}, each asked alone, every answer kept. "
        f"{describe(settings)}.",
        "",
        f"| prompt | {' | '.join(map(cell, heads))} |",
        f"| --- |{' --- |' * len(heads)}",
    ]
    for question, replies in zip(questions, answers, strict=True):
        lines.append(f"| {cell(question)} | {' | '.join(map(cell, replies))} |")
    return "\n".join(lines) + "\n"


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
    for character, written in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`")):
        shown = shown.replace(character, written)
    return shown
