"""`inkling ask`: a fixed list of prompts, answered by one run or by two side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.cli.console import echo
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.sampling import with_reply_sampling
from inkling.errors import UsageError
from inkling.settings import reply_settings
from inkling.wording import plural
from inkling.workflows.answers import Answers, read_prompts

DEFAULT_SEED = 0


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
        str | None, typer.Option(help="Another run to answer the same prompts.", show_default=False)
    ] = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Answer a list of prompts and save the answers with the run. The seed is 0 unless given."""
    from inkling.cli.generate import load_model_or_warn
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
    models = [load_model_or_warn(found, each.name) for each in asked]
    answers = Answers(source, questions, asked, models, settings)
    width = len(str(len(questions)))
    for number, (question, replies) in enumerate(answers.generate(), 1):
        echo(f"{number:>{width}}. {question}")
        for each, reply in zip(asked, replies, strict=True):
            label = f"{each.name}: " if len(asked) > 1 else ""
            echo(f"    {label}{' '.join(reply.split())}")
    echo(f"{plural(len(questions), 'answer')} saved in {answers.save(chosen)}")
