"""The files of a run: what lies in `runs/NAME/`, by name.

The only place that knows these names. Does not know what the files mean; the names inside `data/`
are those of inkling.tokens.dataset, those inside `spans/` of inkling.tracing.span_index.
"""

from __future__ import annotations

CONFIG_FILE = "config.json"
"""Every setting. A folder without it is not a run."""
TOKENIZER_FILE = "tokenizer.json"
TEMPLATE_FILE = "chat_template.json"
"""How a model that others have trained was taught to read a chat."""
DATA_FOLDER = "data"
"""Packed ids, and where in which document they stood."""

METRICS_FILE = "metrics.jsonl"
"""A line an evaluation."""
SAMPLES_FILE = "samples.jsonl"
TRAIN_LOSS_FILE = "train_loss.jsonl"
"""The training loss between the evaluations."""
LOSS_HISTORY_FILE = "loss_history.csv"
PROGRESS_FILE = "progress.json"

CHECKPOINTS_FOLDER = "checkpoints"
BEST_FILE = "best.json"
"""Step and loss of the best checkpoint of each phase."""
LAST_FILE = "last.json"
MODEL_FILE = "model.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
STATE_FILE = "state.json"
"""Of a checkpoint: what a resume needs, and the checksums."""

TRAINING_FILES = (
    CONFIG_FILE, METRICS_FILE, SAMPLES_FILE, TRAIN_LOSS_FILE, LOSS_HISTORY_FILE, PROGRESS_FILE,
    BEST_FILE, LAST_FILE,
)  # fmt: skip
"""What a training writes beside its checkpoints."""

MEMORY_FOLDER = "memory"
"""The index of what was said before."""
TITLE_FILE = "title.txt"
"""What a person calls the run."""
STALE_FILE = "stale.json"
"""How much of what the run was trained on has been forgotten since."""
SPANS_FOLDER = "spans"
"""The index of the text that the run was trained on."""
REPORT_FILE = "report.json"
REPORT_PAGE = "report.html"
ANSWERS_FILE = "answers.md"
FIGURES_FOLDER = "figures"

EXPORT_MARK = "inkling-export.json"
"""Not in a run: what says that a folder is a run's export, and of which."""
