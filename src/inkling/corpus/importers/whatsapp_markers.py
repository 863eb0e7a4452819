"""What WhatsApp itself writes into the body of a message, in the languages it speaks.

Knows: deleted messages, attachments, edits, polls, places, notices. Does not know: headers,
dates, people. Data: body of a message -> `judge` -> Judged(text) or Judged(reason it has none).

On an iPhone WhatsApp sets U+200E or U+200F in front of what it writes, so notices need no list
of phrases there. On Android they are told by their shape and by word stems.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from inkling.corpus.importers import whatsapp_phrases as phrases

MARKS = "\u200e\u200f"
_ALL_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")

DELETED = "deleted message"
MEDIA = "media without text"
NOTICE = "system notice"
LOCATION = "location"
POLL = "poll"
CALL = "call"
EMPTY = "empty message"


def _plain(body: str) -> str:
    """A short body as the tables hold it; "" for one that is too long to be a notice."""
    if len(body) > 200:
        return ""
    body = body if body.isascii() else _ALL_MARKS.sub("", body)
    return body.strip().rstrip(".।。").strip().casefold()


_EXTENSION = r"\.\w{1,5}"
_BRACKET = re.compile(r"<\s?([^<>\n]{3,100})\s?>")
_ATTACHED = re.compile(rf"([^\n]{{0,200}}?{_EXTENSION}) \(([^()\n]{{2,40}})\)")
_NUMBERED_FILE = re.compile(r"<[^<>:\n]{1,40}:\s?\d{8}-[^<>\n]{1,200}>")
_PLACE = re.compile(
    r"[^:：\n]{0,40}[:：]\s?https://maps\.google\.com/\?q=-?[\d.]{1,24},-?[\d.]{1,24}"
)
_VENUE = "https://foursquare.com/v/"
_VOTES = re.compile(r"([^\W\d_][\w ]{1,30}): .{0,400} \((?:\D{0,20} )?\d{1,6} [^\d()]{1,20}\)")


class Judged(NamedTuple):
    """What of a body its author wrote."""

    text: str | None
    """None where WhatsApp wrote all of it; then there is a reason."""
    reason: str
    mine: bool = False
    """Whether its author is the person who exported the chat: "You deleted this message"."""


def _nothing(reason: str, mine: bool = False) -> Judged:
    return Judged(None, reason, mine)


def _has(stems: tuple[str, ...], text: str) -> bool:
    folded = text.casefold()
    return any(stem in folded for stem in stems)


def is_encryption_notice(body: str) -> bool:
    """The notice at the top of every chat, in a 1:1 chat of an iPhone under the other's name."""
    return (
        len(body) < 600 and "whatsapp" in body.casefold() and _has(phrases.ENCRYPTED_PHRASES, body)
    )


def deleted_by_me(body: str) -> bool:
    return _plain(body) in phrases.BY_ME


def is_notice(body: str, marked_line: bool) -> bool:
    """Whether WhatsApp says this under a name, as it does under a group's."""
    return body[:1] in tuple(MARKS) and not marked_line and _plain(body) not in phrases.DELETED


def judge(body: str, *, iphone: bool, marked_line: bool, marks: bool) -> Judged:
    """What the author wrote of a whole message.

    `marked_line`: whether a direction mark stands before the header, as before media on an
    iPhone; `marks`: whether there are marks in the file at all (copies may have lost them).
    """
    plain = _plain(body)
    if not body.strip(MARKS + " \n"):
        return _nothing(EMPTY)
    if plain in phrases.BY_ME:
        return _nothing(DELETED, mine=True)
    if plain in phrases.BY_ANYONE or plain.startswith("this message was deleted by admin"):
        return _nothing(DELETED)
    if plain in phrases.CALLS:
        return _nothing(CALL)
    if plain in phrases.UNSEEN:
        return _nothing(MEDIA)
    body = _without_edited(body)
    shown = body.strip(MARKS + " ")
    if "https://" in shown and (
        _PLACE.fullmatch(shown) or shown.rpartition("\n")[2].rpartition(": ")[2].startswith(_VENUE)
    ):
        return _nothing(LOCATION)
    if _is_poll(body):
        return _nothing(POLL)
    # Some Android exports have it under the group's name.
    if "WhatsApp" in body and is_encryption_notice(body):
        return _nothing(NOTICE)
    if (attachment := _attachment(body)) is not None:
        return attachment
    if iphone:
        return _iphone(body, marked_line, marks)
    return Judged(body, "")


def _without_edited(body: str) -> str:
    """The body without "<This message was edited>" at its end."""
    end = body.rstrip(MARKS + " \n")
    if not end.endswith(">"):
        return body
    start = end.rfind("<", max(0, len(end) - 100))
    if start < 0:
        return body
    inside = end[start + 1 : -1]
    several = " " in inside or not inside.isascii()
    if several and ":" not in inside and _has(phrases.EDITED_STEMS, inside):
        before = end[:start].rstrip(MARKS)
        return before.removesuffix(" ") if before else body
    return body


def _attachment(body: str) -> Judged | None:
    """An attachment with or without a caption, or None where the body is neither."""
    first, _, rest = body.partition("\n")
    first = first.strip(MARKS + " ")
    if first[:1] != "<" and first[-1:] != ")" and first.isascii():
        return None
    bracket = _BRACKET.fullmatch(first)
    if bracket is not None:
        inside = bracket[1]
        worded = " " in inside or not inside.isascii()
        if not (worded and "=" not in inside and _has(phrases.OMITTED_STEMS, inside)):
            return None
    else:
        attached = _ATTACHED.fullmatch(first)
        named = attached is not None and _has(phrases.ATTACHED_STEMS, attached[2])
        if not (named or first.startswith("فایل پیوست شد ") or first.endswith(" இணைக்கப்பட்டது")):
            return None
    caption = rest.strip(MARKS + "\n")
    if not caption or _is_file_name(caption):
        return _nothing(MEDIA)
    return Judged(caption, "")


def _is_file_name(caption: str) -> bool:
    stem, dot, ending = caption.strip().rpartition(".")
    return bool(dot and stem) and "\n" not in stem and ending.lower() in phrases.FILE_ENDINGS


def _iphone(body: str, marked_line: bool, marks: bool) -> Judged:
    if body[0] in MARKS:
        return _nothing(MEDIA if marked_line else NOTICE)
    if not marks:  # a copy that has lost its marks
        words = body.split()
        bare = len(body) <= 60 and len(words) <= 5 and words[-1].casefold() in phrases.BARE_OMITTED
        if bare or _NUMBERED_FILE.fullmatch(body.strip()):
            return _nothing(MEDIA)
        return _nothing(NOTICE) if is_encryption_notice(body) else Judged(body, "")
    if not marked_line:
        return Judged(body, "")
    # Words, then a mark and what WhatsApp says of the file: a caption, or the file's name.
    at = min(found for mark in MARKS if (found := body.find(mark)) >= 0) if _marked(body) else -1
    caption = body[:at].rstrip(" •\n") if at > 0 else body
    if at > 0 and _is_file_name(caption):
        return _nothing(MEDIA)
    return Judged(caption, "")


def _marked(body: str) -> bool:
    return any(mark in body for mark in MARKS)


def _is_poll(body: str) -> bool:
    """A heading, a question, then lines of one word, a choice and its votes in brackets."""
    if body.count("\n") < 3:
        return False
    lines = body.split("\n", 64)
    votes = [_VOTES.fullmatch(line.strip(MARKS + " \r")) for line in lines[1:]]
    words = [vote[1] for vote in votes if vote is not None]
    return len(words) >= 2 and len(set(words)) == 1 and votes[-1] is not None
