"""What is masked and left out where the workspace's text is learned, and changing one's mind on it.

Knows: how examples are gathered, and what a name means that somebody wants to keep or to drop. Does
not know: how anything is found (corpus.masking), the terminal.
Data: workspace -> `review` -> `CorpusReview`; a name -> `keep` or `drop` -> what was understood.

Nothing here changes a text: a decision taken back leaves everything as it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from inkling.corpus.dataset import Dataset
from inkling.corpus.importing.importer import same_name
from inkling.corpus.masking.decisions import Decisions, DecisionSubject, comparable
from inkling.corpus.masking.kinds import MEANING, SECRETS, MaskedKind, MaskedSpan
from inkling.corpus.rows import count_rows
from inkling.corpus.select import NAMELESS, Stored, items_called, path_of
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError, UsageError
from inkling.settings import corpus_settings
from inkling.wording import plural
from inkling.workspace import Workspace

EXAMPLES = 3
AROUND = 30
"""Characters of a text that are shown on either side of an example."""
MIN_TEXT = 3
"""Characters from which a text can be masked wherever it stands."""

GROUPS = "dialogs of more than two (--groups learns them)"
OLDER = "older versions of documents"
DROPPED = "documents that you left out"


@dataclass(frozen=True)
class MaskedExample:
    """Something that is masked, as it was written, with what stands around it."""

    value: str
    before: str
    after: str


@dataclass
class KindReview:
    """One kind of what is masked."""

    kind: MaskedKind
    count: int = 0
    different: int = 0
    kept: int = 0
    """Places that were found and stay, because it was decided so."""
    examples: list[MaskedExample] = field(default_factory=list)


@dataclass(frozen=True)
class CorpusReview:
    """What becomes of a corpus on its way into a training."""

    masked: list[KindReview]
    left_out: dict[str, int]
    """When text is learned, by reason."""
    not_imported: dict[str, int]
    """What the last import of each source left out, by reason."""
    decisions: dict[str, list[str]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


class _Tally:
    """Counts what is masked, by kind and value, and keeps a few examples."""

    def __init__(self) -> None:
        self.values: dict[MaskedKind, Counter[str]] = {}
        self.examples: dict[MaskedKind, list[MaskedExample]] = {}

    def add(self, text: str, span: MaskedSpan) -> None:
        value = text[span.start : span.stop]
        values = self.values.setdefault(span.kind, Counter())
        known = comparable(span.kind, value)
        if known not in values and len(values) < EXAMPLES:
            self.examples.setdefault(span.kind, []).append(
                MaskedExample(
                    value,
                    text[max(0, span.start - AROUND) : span.start],
                    text[span.stop : span.stop + AROUND],
                )
            )
        values[known] += 1


def review(workspace: Workspace) -> CorpusReview:
    """Go through all of a corpus as a training would. Raises CorpusError where it cannot be
    read."""
    with CorpusStore(workspace.corpus_path) as store:
        dataset = Dataset.of(store, corpus_settings(workspace))
        tally = _survey(dataset)
        masking = dataset.masking
        kinds = [kind for kind in MEANING if masking.counts[kind] or masking.kept[kind]]
        left_out = Counter(dataset.left_out)
        left_out[GROUPS] += _groups(store)
        left_out[OLDER] += sum(1 for d in store.documents(all_versions=True) if d.replaced_at)
        live = count_rows(store, "document", "1")
        left_out[DROPPED] += live - count_rows(store, "document", dataset.rows.documents)
        not_imported: Counter[str] = Counter()
        for source in store.sources():
            not_imported.update(source.dropped)
        decided = masking.decisions
    return CorpusReview(
        masked=[
            KindReview(
                kind,
                masking.counts[kind],
                len(tally.values.get(kind, ())),
                masking.kept[kind],
                tally.examples.get(kind, []),
            )
            for kind in kinds
        ],
        left_out={reason: count for reason, count in left_out.most_common() if count},
        not_imported=dict(not_imported.most_common()),
        decisions={
            "kept kinds": sorted(decided.kept_kinds),
            "kept values": sorted(decided.kept_values),
            "masked texts": sorted(decided.masked_texts),
            "documents left out": sorted(decided.dropped_documents),
            "people left out": sorted(decided.dropped_people),
        },
    )


def masked_counts(workspace: Workspace, store: CorpusStore) -> dict[MaskedKind, int]:
    """How much of each kind is masked where text is learned, the most first."""
    dataset = Dataset.of(store, corpus_settings(workspace))
    _survey(dataset)
    return dict(dataset.masking.counts.most_common())


def keep(workspace: Workspace, name: str) -> str:
    """Leave a kind or a value as it is, or learn again what was dropped; a sentence that says
    which. Raises UsageError where nothing that is masked or dropped has the name."""
    wanted = name.strip()
    with CorpusStore(workspace.corpus_path) as store:
        if (kind := _kind(wanted)) is not None:
            _decide(store, "kind", kind)
            return f"{_capital(MEANING[kind])} stay as they are."
        decided = store.decisions()
        if wanted.casefold() in decided.masked_texts:
            _take_back(store, "text", wanted.casefold())
            return f"{wanted!r} is learned again."
        if same_name(wanted) in decided.dropped_people:
            _take_back(store, "person", same_name(wanted))
            return f"What {wanted} said is learned again."
        for path in decided.dropped_documents:
            if wanted == path or any(path_of(item) == path for item in _items(store, wanted)):
                _take_back(store, "document", path)
                return f"{path} is learned again."
        tally = _survey(Dataset.of(store, corpus_settings(workspace)))
        values = {
            comparable(kind, wanted)
            for kind, found in tally.values.items()
            if comparable(kind, wanted) in found
        }
        if not values:
            raise UsageError(
                f"Nothing that is masked reads {wanted!r}. Kinds: {', '.join(SECRETS)}. "
                "See what is masked: inkling corpus review."
            )
        for value in values:
            _decide(store, "value", value)
    return f"{wanted!r} stays as it is."


def drop(workspace: Workspace, name: str) -> str:
    """Mask a kind or a value again, leave a person or a file out of training, or mask a text
    wherever it stands; a sentence that says which. Raises UsageError where the corpus has nothing
    of that name."""
    wanted = name.strip()
    with CorpusStore(workspace.corpus_path) as store:
        if (kind := _kind(wanted)) is not None:
            _take_back(store, "kind", kind)
            return f"{_capital(MEANING[kind])} are masked."
        kept = store.decisions().kept_values
        values = {comparable(each, wanted) for each in SECRETS} & set(kept)
        for value in values:
            _take_back(store, "value", value)
        if values:
            return f"{wanted!r} is masked again."
        known = same_name(wanted)
        said = sum(
            person.messages
            for person in store.people()
            if known in (same_name(person.name), same_name(person.author_id))
        )
        if said and known not in NAMELESS:
            _decide(store, "person", known)
            return f"What {wanted} said ({plural(said, 'message')}) is left out of training."
        if items := _items(store, wanted):
            path = path_of(items[0])
            _decide(store, "document", path)
            return f"{path} is left out of training."
        if len(wanted) < MIN_TEXT or not _stands_somewhere(store, wanted):
            raise UsageError(
                f"Nothing in the corpus is called {wanted!r} or reads like that. "
                "All names: inkling corpus show."
            )
        _decide(store, "text", wanted.casefold())
    return f"{wanted!r} is masked wherever it stands."


def _survey(dataset: Dataset) -> _Tally:
    tally = _Tally()
    dataset.masking.observer = tally.add
    for _ in dataset.documents():
        pass
    for _ in dataset.conversations():
        pass
    return tally


def _kind(name: str) -> MaskedKind | None:
    return next((kind for kind in SECRETS if kind == name.casefold()), None)


def _groups(store: CorpusStore) -> int:
    return count_rows(store, "conversation", "is_group")


def _items(store: CorpusStore, name: str) -> list[Stored]:
    """The documents and dialogs of a title, path or hash; none where it means nothing. Raises
    UsageError where it means several."""
    try:
        return list(items_called(store, name))
    except CorpusError:
        return []


def _stands_somewhere(store: CorpusStore, text: str) -> bool:
    wanted = text.casefold()
    if any(wanted in document.text.casefold() for document in store.documents()):
        return True
    return any(
        wanted in message.text.casefold()
        for conversation in store.conversations()
        for message in conversation.messages
    )


def _decide(store: CorpusStore, subject: DecisionSubject, name: str) -> None:
    with store.change() as db:
        Decisions.add(db, subject, name)


def _take_back(store: CorpusStore, subject: DecisionSubject, name: str) -> None:
    with store.change() as db:
        Decisions.take_back(db, subject, name)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
