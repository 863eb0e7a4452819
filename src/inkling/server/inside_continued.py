"""A text continued side by side: by a model, and by counted pairs.

Knows: that both draw with the same settings and seed. Does not know how either draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inkling.inference.chat import GenerationSpec
from inkling.inference.text import TextChunk
from inkling.server.inside_schemas import ContinueAnswer

if TYPE_CHECKING:
    from inkling.config import SamplingSettings
    from inkling.server.inside_look import Look


def continued(look: Look, settings: SamplingSettings) -> ContinueAnswer:
    """Both continuations; that of pairs is empty where there is nothing to count."""
    model = look.model
    spec = GenerationSpec(list(look.text.window), settings, trim=False)
    chunks = (item for item in model.chat_model.generate(spec) if isinstance(item, TextChunk))
    counts = look.models.pairs(model)
    pairs = ""
    if counts is not None:
        # Pairs have two pieces to go by: cut to a few, nothing but the most frequent would come.
        plain = settings.model_copy(update={"temperature": 1.0, "top_k": 0, "top_p": 1.0})
        ids = counts.continued(look.text.window[-1], plain, model.live)
        pairs = model.tokenizer.decode(ids)
    return ContinueAnswer(model="".join(chunk.text for chunk in chunks), pairs=pairs)
