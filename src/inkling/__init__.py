"""Inkling: your own writing, your own small GPT, on your own machine.

    import inkling

    workspace = inkling.Workspace.create(Path("mine"))
    inkling.add(workspace, [Path("writing")])
    inkling.train(workspace, minutes=3)
    print(inkling.chat(workspace).reply("how are you?"))

The public names are loaded when first used, so that `import inkling` costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Read once by torch's thread library, so it must stand here. Threads that wait for each other spin;
# where another program needs the core, a training step then took 4 to 40 times as long. Spinning
# less costs 5 % on an idle machine (docs/decisions.md).
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_HOME_OF = {
    "add": "inkling.workflows.add",
    "train": "inkling.workflows.train",
    "resume": "inkling.workflows.train",
    "repeat": "inkling.workflows.train",
    "finetune": "inkling.workflows.train",
    "chat": "inkling.workflows.chat",
    "evaluate": "inkling.workflows.evaluate",
    "climb": "inkling.workflows.ladder",
    "TrainingCallbacks": "inkling.workflows.callbacks",
    "TrainingResult": "inkling.workflows.result",
    "Chat": "inkling.workflows.chat",
    "Document": "inkling.corpus.document",
    "Conversation": "inkling.corpus.document",
    "Message": "inkling.corpus.document",
    "CorpusStore": "inkling.corpus.store",
    "Tokenizer": "inkling.tokens.tokenizer",
    "GPT": "inkling.model.gpt",
    "ChatModel": "inkling.inference.chat",
    "InklingError": "inkling.errors",
    "Run": "inkling.runs",
    "Runtime": "inkling.runtime",
    "SamplingSettings": "inkling.config",
    "Workspace": "inkling.workspace",
}

__all__ = [  # noqa: PLE0604  (the rest are the keys above, which are strings)
    "__version__",
    *sorted(_HOME_OF),
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'inkling' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
