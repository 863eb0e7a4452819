"""The corpus as it is learned and looked up: chosen, cleaned and masked; the store stays as it is.

Knows: what becomes of a document and of a conversation on their way into a dataset, in which
order, and how much is left out. Does not know: ids, the split.
Data: an open store + `Selection` + `Masking` -> `Dataset` -> documents and conversations.

With nothing chosen, decided or found, a dataset is the store's texts, to the byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from inkling.config import Selection
from inkling.corpus.chat_cleaning import group_talk, says_nothing
from inkling.corpus.document import Message
from inkling.corpus.exclusion import one_sided
from inkling.corpus.importing.importer import same_name
from inkling.corpus.masking.kinds import MEANING
from inkling.corpus.masking.masking import Masking
from inkling.corpus.masking.phones import is_region
from inkling.corpus.masking.pseudonyms import Pseudonyms
from inkling.corpus.reading import Documents
from inkling.corpus.records import StoredConversation
from inkling.corpus.rows import ChosenRows, chosen_rows, spoken_characters, written_characters
from inkling.corpus.select import NAMELESS
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.settings import CorpusSettings

NO_TEXT_LEFT = "a dialog in which nothing is left"
NO_REPLY = "a dialog without a reply of yours"
TOO_SHORT = "a dialog in which you say too little"
OTHER_TIME = "a message of another time, or of none"
DROPPED_PERSON = "a message of somebody whom you left out"


@dataclass(frozen=True)
class Dataset:
    """What of a corpus is learned. Its conversations are read once each time they are asked for."""

    store: CorpusStore
    selection: Selection
    masking: Masking
    rows: ChosenRows
    shown: Mapping[tuple[str, str], str]
    """Display names by source and author_id, where they are needed."""
    invented: Pseudonyms
    left_out: Counter[str]
    """Why messages and dialogs are no part of it, counted while they are gone through."""

    @classmethod
    def of(
        cls,
        store: CorpusStore,
        settings: CorpusSettings | None = None,
        selection: Selection | None = None,
        made_earlier: bool = False,
    ) -> Dataset:
        """Raises UsageError or CorpusError where a name of the selection means nothing, unless it
        was `made_earlier`: what it named may have gone since."""
        chosen, asked = selection or Selection(), settings or CorpusSettings()
        if asked.region is not None and not is_region(asked.region):
            raise CorpusError(
                f"No country has the code {asked.region!r}. In inkling.toml, [corpus] region is "
                'two letters, e.g. "GB" or "DE", or "none".'
            )
        decisions = store.decisions()
        shown = store.names() if asked.pseudonyms or chosen.groups else {}
        invented = Pseudonyms(*_others_and_own(store, shown) if shown else ())
        masking = Masking(decisions, asked.region, invented if asked.pseudonyms else None)
        rows = chosen_rows(store, chosen, decisions, made_earlier)
        return cls(store, chosen, masking, rows, shown, invented, Counter())

    @property
    def characters(self) -> int:
        """Of all chosen rows, before anything is cleaned."""
        written = written_characters(self.store, self.rows.documents)
        return written + spoken_characters(self.store, self.rows.conversations)

    def documents(self) -> Documents:
        """The chosen documents, masked."""
        found = self.store.documents()
        return replace(found, chosen=self.rows.documents, masking=self.masking)

    def conversations(self, share: float = 1.0) -> Iterator[StoredConversation]:
        """The chosen conversations, cleaned and masked, or a share of them, spread evenly."""
        for conversation in self.store.conversations(share, self.rows.conversations):
            made = self._made(conversation)
            if made is not None:
                yield made

    def sentences(self) -> list[str]:
        """What was masked and left out, in plain words; complete when all has been gone through."""
        found = []
        if masked := self.masking.counts:
            listed = ", ".join(f"{count:,} {MEANING[kind]}" for kind, count in masked.most_common())
            found.append(f"Masked: {listed}. Look at them: inkling corpus review.")
        for reason, count in self.left_out.most_common():
            if count:
                found.append(f"Left out {count:,} × {reason}.")
        return found

    def fingerprint(self) -> str:
        """Names all that the conversations depend on: the corpus, what was chosen, how they are
        masked."""
        decided = self.masking.decisions
        parts = [self.store.corpus_hash(), self.masking.rules()]
        if not self.selection.is_everything:
            parts.append(self.selection.model_dump_json())
        parts += sorted(decided.dropped_documents) + sorted(decided.dropped_people)
        return " ".join(parts)

    def _made(self, conversation: StoredConversation) -> StoredConversation | None:
        messages: Sequence[Message] = conversation.messages
        source = conversation.source
        wanted, unwanted = self.rows.wanted, self.rows.unwanted
        if wanted is not None and not any((source, m.author_id) in wanted for m in messages):
            return None
        if unwanted:
            kept = [m for m in messages if m.is_me or (source, m.author_id) not in unwanted]
            self.left_out[DROPPED_PERSON] += len(messages) - len(kept)
            if one_sided(kept) and not one_sided(messages):
                return None
            messages = kept
        messages = self._of_the_time(messages, conversation.timestamp)
        messages = self._saying_something(messages)
        if self.selection.min_length and not self._long_enough(messages):
            self.left_out[TOO_SHORT] += 1
            return None
        messages = self.masking.messages(conversation.content_hash, messages)
        if conversation.is_group:
            messages = tuple(group_talk(messages, lambda author: self._called(source, author)))
        if not messages:
            self.left_out[NO_TEXT_LEFT] += bool(conversation.messages)
            return None
        # It becomes no dialog: what others say teaches nothing where no reply follows it.
        answered = any(m.is_me and m.kind == "text" and m.text.strip() for m in messages)
        self.left_out[NO_REPLY] += not answered
        if len(messages) == len(conversation.messages) and all(
            one is two for one, two in zip(messages, conversation.messages, strict=True)
        ):
            return conversation
        return replace(conversation, messages=tuple(messages))

    def _called(self, source: str, author: str) -> str:
        """What somebody is called instead, also who has no name that is known."""
        return self.invented.of(self.shown.get((source, author), author))

    def _of_the_time(self, messages: Sequence[Message], otherwise: str | None) -> Sequence[Message]:
        since, before = self.selection.since, self.selection.before
        if since is None and before is None:
            return messages
        kept = []
        for message in messages:
            when = message.timestamp or otherwise
            if when is not None and (since or "") <= when and (before is None or when < before):
                kept.append(message)
        self.left_out[OTHER_TIME] += len(messages) - len(kept)
        return kept

    def _saying_something(self, messages: Sequence[Message]) -> Sequence[Message]:
        kept = []
        for message in messages:
            reason = says_nothing(message.text) if message.kind == "text" else None
            if reason is None:
                kept.append(message)
            else:
                self.left_out[reason] += 1
        return kept

    def _long_enough(self, messages: Iterable[Message]) -> bool:
        said = sum(len(m.text) for m in messages if m.is_me and m.kind == "text")
        return said >= self.selection.min_length


def _others_and_own(
    store: CorpusStore, shown: Mapping[tuple[str, str], str]
) -> tuple[list[str], list[str]]:
    """Names of everybody else, those known longest first, and the author's own, which stay."""
    others = {(person.source, person.author_id) for person in store.people()}
    own = [name for names in store.own_names().by_importer.values() for name in names]
    own += [name for key, name in shown.items() if key not in others]
    return [
        name for key, name in shown.items() if key in others and same_name(name) not in NAMELESS
    ], own
