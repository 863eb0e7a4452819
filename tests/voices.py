"""Runs of random weights: everything a trained run has but sense, made in a moment."""

from __future__ import annotations

import shutil

import torch

from inkling import __version__
from inkling.config import DataFacts, LadderSettings, ModelSettings, RunConfig, TrainingSettings
from inkling.model.build import build_model
from inkling.model.gpt import GPT
from inkling.runs import Run
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace

TEXT = "abcdefghijklmnopqrstuvwxyz ,.?!é🐖\n"
CONTEXT = 64


def random_run(
    workspace: Workspace,
    name: str = "random",
    seed: int = 0,
    ends: bool = False,
    slow: bool = False,
) -> Run:
    """A fine-tuned run whose newest checkpoint is of step `seed` + 1. It never ends a text by
    itself, unless it `ends`: only then is <|end|> among its live ids. A `slow` one has
    twenty-five million weights: two thousand tokens take it seconds on any machine."""
    tokenizer = Tokenizer.train([TEXT])
    width, heads = (512, 8) if slow else (32, 1)
    settings = ModelSettings(
        n_layer=8 if slow else 1, n_head=heads, n_embd=width, head_dim=width // heads,
        n_hidden=1368 if slow else 32, context_length=CONTEXT, vocab_size=tokenizer.vocab_size,
    )  # fmt: skip
    if name in workspace.run_names():
        run = Run.open(workspace, name)
    else:
        run = Run.create(
            workspace,
            RunConfig(
                inkling_version=__version__,
                torch_version=torch.__version__,
                name=name,
                created="2026-01-01T00:00:00.000000",
                model=settings,
                train=TrainingSettings(sequence_length=CONTEXT),
                data=DataFacts(live_ranges=((0, tokenizer.end_id + ends),)),
                complete=True,
            ),
        )
        tokenizer.save(run.tokenizer_path)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = GPT(settings)
        # A fresh model's blocks do nothing; here what was read must change what is written.
        for weight in model.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.3)
    run.checkpoints.save(seed + 1, {"phase": "finetune"}, model.state_dict(), {})
    run.checkpoints.write_best({"finetune": {"step": seed + 1, "val_nats_per_char": 1.0}})
    return run


def random_bigram(workspace: Workspace, like: Run, name: str = "rung") -> Run:
    """The first rung of a ladder, which reads the pieces of another run."""
    config = like.config()
    settings = LadderSettings(
        rung="bigram",
        context_length=config.model.context_length,
        vocab_size=config.model.vocab_size,
    )
    update = {"name": name, "recipe": "bigram", "group": "ladder-1", "model": settings}
    run = Run.create(workspace, config.model_copy(update={**update, "finetune": None}))
    shutil.copy(like.tokenizer_path, run.tokenizer_path)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = build_model(settings)
    run.checkpoints.save(1, {"phase": "train"}, model.state_dict(), {})
    run.checkpoints.write_best({"train": {"step": 1, "val_nats_per_char": 2.0}})
    return run
