"""How much of what a model writes it copied: verbatim stretches of its training text.

Knows: an index of the training text. Does not know: runs, models, where texts come from.
Data: generated texts + `SpanIndex` -> `Copying`.

Thirty characters are about six words: shorter stretches of everyday language recur in any
text, longer ones seldom by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inkling.tracing.span_index import SpanIndex, covered

COPIED_FROM = 30


@dataclass(frozen=True)
class Copying:
    """What of some generated texts stands verbatim in training, in spans of `min_characters`.

    `longest` is the longest such span in characters, `longest_text` what it says, and
    `longest_source` the number of the indexed text and the character where it first stands
    (`TrainingTextIndex.origin` says in which document); 0, "" and None where nothing is copied.
    """

    texts: int
    min_characters: int
    characters: int
    copied_characters: int
    longest: int
    longest_text: str
    longest_source: tuple[int, int] | None

    @property
    def share(self) -> float:
        """Copied characters of all, from 0 to 1."""
        return self.copied_characters / self.characters if self.characters else 0.0


def measure_copying(
    index: SpanIndex, texts: Sequence[str], min_characters: int = COPIED_FROM
) -> Copying:
    """Trace every text; of several longest spans, the first one found is named."""
    copied, longest, longest_text = 0, 0, ""
    source: tuple[int, int] | None = None
    for text in texts:
        spans = index.spans(text, min_characters, max_places=1)
        copied += covered(spans)
        for span in spans:
            if span.length > longest:
                longest, longest_text = span.length, text[span.start : span.stop]
                source = (span.places[0].text, span.places[0].character)
    return Copying(
        texts=len(texts),
        min_characters=min_characters,
        characters=sum(map(len, texts)),
        copied_characters=copied,
        longest=longest,
        longest_text=longest_text,
        longest_source=source,
    )
