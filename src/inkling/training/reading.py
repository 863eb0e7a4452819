"""How much of the text a timed training reads, and in how many different tokens.

Knows: what share of the minutes preparing may take, what a vocabulary needs to be learned. Does
not know: how text is prepared (preparation). Needs no torch, so that it can be imported meanwhile.
Data: request + corpus + a timing of this machine -> limits -> `Prepared`.

With `--steps` nothing is timed and all of the text is read.
"""

from __future__ import annotations

import math
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from inkling.config import RunConfig, Selection, TrainRequest
from inkling.corpus.dataset import Dataset
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.preparation import Prepared, prepare, prepare_run, read_split, train_tokenizer
from inkling.training import planner
from inkling.training.recipes import uses_characters
from inkling.workspace import Workspace

PREPARATION_SHARE = 0.09
"""Of a command's time, for everything before the probe, the start of the process included: with
what is measured and drawn, four fifths are left for training."""
_TIMED_CHARACTERS = 200_000
_SECONDS_PER_CHARACTER = 2.5e-6
"""About, on a slow machine: a text of which this much would be no matter is not timed."""
FEWEST_CHARACTERS = 1_500_000
"""A text of up to so many characters is read whole, however short the training: its held-out part
stays the same. Of a larger one so many are read, unless that takes twice what it may."""
_START_SECONDS, _TRAINED_SHARE = 3.0, 0.8
"""Of a command's time, what start-up takes, and of the rest what steps take, roughly."""
_TOKENS_PER_MERGE = 12
"""Tokens that a training reads for each learned merge, at least (docs/decisions.md)."""


def prepare_requested(
    workspace: Workspace, name: str, request: TrainRequest, started: float
) -> Prepared:
    """Prepare the data of a run as its request asks. `started` is the `time.time()` at which the
    command began."""
    characters_only = uses_characters(request.recipe)
    timed = request.steps is None and (request.recipe == "modern" or request.minutes is not None)
    if not timed:
        merges = (lambda _: 0) if characters_only else planner.merges_for
        return prepare_run(workspace, name, merges, selection=request.selection)
    seconds = 60 * (request.minutes or planner.DEFAULT_MINUTES)
    gflops = measure_gflops()
    limit = character_limit(workspace, seconds, started, request.selection)
    merges = partial(merges_in_time, seconds=seconds, gflops=gflops)
    return prepare_run(
        workspace,
        name,
        (lambda _: 0) if characters_only else merges,
        limit,
        request.selection,
    )


def prepare_again(workspace: Workspace, name: str, config: RunConfig) -> Prepared:
    """Prepare the data of a run that repeats another: the same text, the same vocabulary."""
    limit = config.data.character_limit
    return prepare_run(workspace, name, lambda _: config.merges, limit, config.selection)


def character_limit(
    workspace: Workspace, seconds: float, started: float, selection: Selection | None = None
) -> int:
    """Characters of what is chosen of the corpus whose preparation takes no more than its share of
    a command of so many seconds, by a timing on this machine; 0 for all of them."""
    with CorpusStore(workspace.corpus_path) as store:
        characters = Dataset.of(store, selection=selection).characters
    allowed = PREPARATION_SHARE * seconds - (time.time() - started)
    if characters * _SECONDS_PER_CHARACTER < allowed / 4 or characters <= FEWEST_CHARACTERS:
        return 0
    begun = time.perf_counter()
    per_character = _seconds_per_character(workspace, selection)
    allowed -= time.perf_counter() - begun
    affordable = max(0, int(allowed / per_character))
    # On a machine that others keep busy even the fewest would take too long.
    fewest = max(_TIMED_CHARACTERS, min(FEWEST_CHARACTERS, 2 * affordable))
    limit = max(fewest, affordable)
    return 0 if limit >= characters else limit


def _seconds_per_character(workspace: Workspace, selection: Selection | None) -> float:
    """Of splitting, learning a vocabulary and packing, on a small part of the corpus."""
    begun = time.perf_counter()
    try:
        split, _ = read_split(workspace, _TIMED_CHARACTERS, selection)
    except CorpusError:  # a part of almost nothing but repetitions says nothing about the rest
        return _SECONDS_PER_CHARACTER
    tokenizer = train_tokenizer(split, planner.merges_for(_TIMED_CHARACTERS))
    with tempfile.TemporaryDirectory() as folder:
        prepare(split, "", Path(folder), tokenizer)
    return (time.perf_counter() - begun) / _TIMED_CHARACTERS


def merges_in_time(characters: int, seconds: float, gflops: float) -> int:
    """Learned merges that pay for a corpus, and no more than can be learned in `seconds` of a
    whole command, were the model the smallest."""
    training = _TRAINED_SHARE * max(0.0, seconds - _START_SECONDS)
    flops = planner.REACHED_SHARE * 1e9 * gflops * training
    merges = planner.merges_for(characters)
    while merges > planner.FEWEST_MERGES:
        weights = planner.smallest_weights(merges + planner.UNLEARNED_ENTRIES)
        if flops / (6 * weights) >= _TOKENS_PER_MERGE * merges:
            break
        merges = max(planner.FEWEST_MERGES, round(0.9 * merges))
    return merges


def measure_gflops() -> float:
    """Matrix-product speed of this machine now, in GFLOP/s, without torch."""
    n = 384
    a = np.ones((n, n), dtype=np.float32)
    best = math.inf
    for _ in range(6):
        begun = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - begun)
    return 2 * n**3 / best / 1e9
