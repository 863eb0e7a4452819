"""Texts as they may be learned: what is private is replaced, the rest is as it was, to the byte.

Knows: what a person decided, and where in the original a place of a masked text stands. Does not
know: the database, how anything is found.
Data: text -> `Masking.mask` -> `Masked`. A text without anything to mask is that very text.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import structs

from inkling.corpus.document import Message
from inkling.corpus.masking.decisions import Decisions, comparable
from inkling.corpus.masking.find import find_secrets
from inkling.corpus.masking.kinds import (
    BLANK,
    NAME,
    PRIVATE,
    MaskedKind,
    MaskedSpan,
    placeholder,
)
from inkling.corpus.masking.pseudonyms import Pseudonyms

RULES = 2
"""Changes when the same text is masked otherwise: what was made of masked text is made again."""


@dataclass(frozen=True)
class Masked:
    """A text and what of it was replaced. `spans` are of the original."""

    text: str
    spans: tuple[MaskedSpan, ...] = ()

    def original(self, place: int) -> int:
        """Which character of the original stands at a place of the masked text; inside of a
        placeholder the first one that it stands for."""
        shift = 0
        for span in self.spans:
            begin = span.start + shift
            if place < begin:
                break
            if place < begin + len(span.replacement):
                return span.start
            shift += len(span.replacement) - (span.stop - span.start)
        return place - shift


class Masking:
    """How the texts of one corpus are masked. Remembers where in a document something was, so
    that a document is looked through once however often it is read."""

    def __init__(
        self,
        decisions: Decisions | None = None,
        region: str | None = None,
        names: Pseudonyms | None = None,
    ) -> None:
        self.decisions = decisions or Decisions()
        self._region, self._names = region, names
        texts = sorted(self.decisions.masked_texts, key=len, reverse=True)
        self._private = (
            re.compile(
                "|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in texts), re.IGNORECASE
            )
            if texts
            else None
        )
        self.counts: Counter[MaskedKind] = Counter()
        """How many places were masked, by kind; a document counts once."""
        self.kept: Counter[MaskedKind] = Counter()
        """How many would have been, had nobody decided that they stay."""
        self.observer: Callable[[str, MaskedSpan], None] | None = None
        """Hears of each place that is masked, with the original text."""
        self._spans: dict[str, tuple[MaskedSpan, ...]] = {}
        self._nothing: set[int] = set()

    def rules(self) -> str:
        """Names what is masked and how: equal texts become equal ones under equal rules."""
        described = (
            RULES, self._region, self._names is not None, sorted(self.decisions.kept_kinds),
            sorted(self.decisions.kept_values), sorted(self.decisions.masked_texts),
        )  # fmt: skip
        return hashlib.sha256(repr(described).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def mask(self, text: str) -> Masked:
        """A text with everything replaced that is to be."""
        spans = self.find(text)
        return Masked(_replaced(text, spans), spans) if spans else Masked(text)

    def document(self, content_hash: str, text: str) -> str:
        """The text of a document, whose hash is known."""
        short = int(content_hash[:16], 16)
        if short in self._nothing:
            return text
        spans = self._spans.get(content_hash)
        if spans is None:
            spans = self.find(text)
            self._note(content_hash, text, spans)
            if not spans:
                self._nothing.add(short)
        return _replaced(text, spans) if spans else text

    def messages(self, conversation: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """The messages of a conversation, which its content hash names."""
        masked = []
        for place, message in enumerate(messages):
            spans = self.find(message.text)
            if spans:
                self._note(f"{conversation}:{place}", message.text, spans)
                message = structs.replace(message, text=_replaced(message.text, spans))
            masked.append(message)
        return tuple(masked)

    def original(self, content_hash: str, place: int) -> int:
        """Where in the original text of a document a place of its masked text stands."""
        spans = self._spans.get(content_hash)
        return Masked("", spans).original(place) if spans else place

    def digest(self) -> str:
        """A hash over all that was masked so far; "" where that is nothing."""
        if not self._spans:
            return ""
        digest = hashlib.sha256()
        for name in sorted(self._spans):
            digest.update(repr((name, self._spans[name])).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def find(self, text: str) -> tuple[MaskedSpan, ...]:
        """What of a text is to be replaced, in order."""
        spans: list[MaskedSpan] = []
        left = text
        if self._private is not None:
            for found in self._private.finditer(text):
                spans.append(MaskedSpan(*found.span(), PRIVATE, placeholder(PRIVATE)))
            left = _blanked(text, spans)
        kept = self.decisions
        for start, stop, kind in find_secrets(left, self._region):
            if kind in kept.kept_kinds or (
                kept.kept_values and comparable(kind, text[start:stop]) in kept.kept_values
            ):
                self.kept[kind] += 1
            else:
                spans.append(MaskedSpan(start, stop, kind, placeholder(kind)))
        if self._names is not None:
            for start, stop, invented in self._names.find(_blanked(text, spans)):
                spans.append(MaskedSpan(start, stop, NAME, invented))
        return tuple(sorted(spans))

    def _note(self, name: str, text: str, spans: tuple[MaskedSpan, ...]) -> None:
        if spans and name not in self._spans:
            self._spans[name] = spans
            self.counts.update(span.kind for span in spans)
            if self.observer is not None:
                for span in spans:
                    self.observer(text, span)


def _replaced(text: str, spans: Sequence[MaskedSpan]) -> str:
    parts: list[str] = []
    behind = 0
    for span in spans:
        parts += (text[behind : span.start], span.replacement)
        behind = span.stop
    return "".join((*parts, text[behind:]))


def _blanked(text: str, spans: Sequence[MaskedSpan]) -> str:
    """The text with what was found as blanks, of the same length."""
    if not spans:
        return text
    blanks = [span._replace(replacement=BLANK * (span.stop - span.start)) for span in sorted(spans)]
    return _replaced(text, blanks)
