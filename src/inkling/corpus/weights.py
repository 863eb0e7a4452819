"""How often a source is learned: its text stands in the training part that many times.

Knows: how a split is changed by weights. Does not know: how batches are drawn: they are drawn
evenly over what stands in the training part, so a source of weight 2 comes up twice as often.
Data: `Split` + weights -> `Split`. What is held out is never repeated and never thinned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from inkling.corpus.reading import Pieces, evenly
from inkling.corpus.select import sources_called
from inkling.corpus.split import Split
from inkling.corpus.split_dialogs import Dialog
from inkling.corpus.store import CorpusStore

Learned = TypeVar("Learned")


def weighted(split: Split, store: CorpusStore, weights: Sequence[tuple[str, float]]) -> Split:
    """A split whose sources are repeated, or thinned out evenly, by their weights. Raises
    UsageError or CorpusError where a name means no source."""
    if not weights:
        return split
    by_source = {
        source: weight for name, weight in weights for source in sources_called(store, name)
    }
    by_hash = _by_hash(store, by_source)
    spans = _repeated(
        split.train.spans,
        lambda span: by_hash.get(span.document, 1.0),
        evenly,
    )
    dialogs = _repeated(
        split.train_dialogs,
        lambda dialog: by_hash.get(dialog.conversation, 1.0),
        _some,
    )
    return replace(
        split,
        train=Pieces(split.train.documents, tuple(spans)),
        train_dialogs=tuple(dialogs),
    )


def _by_hash(store: CorpusStore, by_source: dict[str, float]) -> dict[str, float]:
    """The weight of each document and conversation of these sources."""
    found: dict[str, float] = {}
    with store.reading() as db:
        for source, weight in by_source.items():
            for table in ("document", "conversation"):
                rows = db.execute(
                    f"SELECT content_hash FROM {table} "
                    "WHERE source_id = (SELECT id FROM source WHERE source = ?)",
                    (source,),
                )
                found |= dict.fromkeys((row[0] for row in rows), weight)
    return found


def _repeated(
    learned: Sequence[Learned],
    weight_of: Callable[[Learned], float],
    some: Callable[[Iterable[Learned], float], Iterable[Learned]],
) -> list[Learned]:
    """First everything, in order, as far as its weight reaches; then, round by round, what is
    there more than once."""
    weights = [weight_of(each) for each in learned]
    made: list[Learned] = []
    for number in range(max(1, -int(-max(weights, default=1.0) // 1))):
        whole = {i for i, weight in enumerate(weights) if weight >= number + 1}
        for part in sorted({weight for weight in weights if number < weight < number + 1}):
            members = [i for i, weight in enumerate(weights) if weight == part]
            chosen = list(some([learned[i] for i in members], part - number))
            left = iter(chosen)
            following = next(left, None)
            for index in members:
                if following is not None and learned[index] is following:
                    whole.add(index)
                    following = next(left, None)
        made += [learned[index] for index in sorted(whole)]
    return made


def _some(dialogs: Iterable[Dialog], share: float) -> Iterable[Dialog]:
    seen = taken = 0
    for dialog in dialogs:
        if taken <= share * seen:
            taken += dialog.characters
            yield dialog
        seen += dialog.characters
