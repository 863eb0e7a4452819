"""Mail that a person sent: mbox files, Gmail's Takeout, folders of .eml.

Knows: whose a mail is, which mails nobody wrote by hand. Does not know: MIME
(`importing.mail_parts`), quotes (`importing.mail_text`).
Data: Tree -> mailbox file -> mail -> Document of the person's own words, streamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.pieces import OTHERS, notes_of
from inkling.corpus.importing import mbox, times
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.json_items import UNREADABLE, head_of
from inkling.corpus.importing.mail_html import mail_html_to_text
from inkling.corpus.importing.mail_parts import Mail, parse
from inkling.corpus.importing.mail_phrases import AUTOMATIC, CHATS, DRAFTS, SENT
from inkling.corpus.importing.mail_text import own_words, without_prefixes
from inkling.corpus.importing.tree import Tree, TreeFile

_MBOX_SUFFIXES = ("", ".mbox", ".mbx", ".txt")
_EML_SUFFIXES = (".eml", ".emlx")

UNKNOWN_SENDER = "not known whether you sent it: say which mail address is yours"

# How many mails are looked at to learn whose mailbox it is.
_DELIVERED = ("delivered-to", "x-original-to")
_LOOKED_AT = 2000


def _is_mailbox(file: TreeFile) -> bool:
    return file.suffix in _MBOX_SUFFIXES and mbox.looks_like_mbox(head_of(file, 4096))


def _claims(tree: Tree) -> Iterator[Claim]:
    for file in tree.files:
        if _is_mailbox(file):
            yield Claim(frozenset((file.path,)), 1.0, f"mailbox {file.name}")
    letters = frozenset(file.path for file in tree.files if file.suffix in _EML_SUFFIXES)
    if letters:
        noun = "mail" if len(letters) == 1 else "mails"
        yield Claim(letters, 1.0, f"{len(letters):,} saved {noun} (.eml)")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    files = tree.only(claim.files).files
    owner = _Owner(options, _guessed_addresses(files, options))
    for file in files:
        for number, data in enumerate(_mails(file), start=1):
            if isinstance(data, Dropped):
                yield data
            else:
                yield from _records(data, f"{file.path}:{number}", file, owner, options)


def _mails(file: TreeFile) -> Iterator[bytes | Dropped]:
    try:
        with file.open() as stream:
            if file.suffix not in _EML_SUFFIXES:
                yield from mbox.messages(stream)
                return
            data = stream.read(mbox.MESSAGE_LIMIT)
            if file.suffix == ".emlx":
                # Apple Mail: a line with the mail's length, the mail, a property list.
                length, _, rest = data.partition(b"\n")
                data = (
                    rest[: int(length)] if length.strip().isdigit() and len(length) < 20 else data
                )
            yield data
    except UNREADABLE:
        yield Dropped("a file that cannot be read", file.path)


class _Owner:
    """Whose a mail is: by address or name as the person said, by Gmail's label, by the folder
    it lies in; else by the address that the mailbox's mails were delivered to."""

    def __init__(self, options: ReadOptions, guessed: frozenset[str]) -> None:
        self._options = options
        self._guessed = guessed

    def sent(self, mail: Mail, file: TreeFile, labels: frozenset[str]) -> bool | None:
        """None where nothing tells."""
        if self._options.is_me(mail.sender_address or None, mail.sender_name or None):
            return True
        if labels & SENT:
            return True
        if _in_sent_folder(file):
            return not _was_delivered_to_another(mail)
        if mail.sender_address in self._guessed:
            return True
        return False if self._options.me or labels or self._guessed else None


def _was_delivered_to_another(mail: Mail) -> bool:
    """Whether it came to a mailbox that is not its sender's: people file what they received beside
    what they answered."""
    found = (mail.headers.get(name) for name in _DELIVERED)
    boxes = {address.strip("<> ").casefold() for address in found if address}
    return bool(boxes) and mail.sender_address not in boxes


def _in_sent_folder(file: TreeFile) -> bool:
    """`Sent.mbox`, `Sent`, `Sent.mbox/mbox`, `[Gmail].mbox/Gesendet.mbox/mbox`."""
    parts = (part.casefold().removesuffix(".mbox").removesuffix(".mbx") for part in _parts(file))
    return any(part in SENT or part.rpartition("-")[2].strip() in SENT for part in parts)


def _parts(file: TreeFile) -> list[str]:
    return file.path.split("/")


def _guessed_addresses(files: tuple[TreeFile, ...], options: ReadOptions) -> frozenset[str]:
    """The address that most of the first mails were delivered to, where it also sent some."""
    if options.me:
        return frozenset()
    delivered: Counter[str] = Counter()
    senders: set[str] = set()
    mails = (data for file in files for data in _mails(file) if isinstance(data, bytes))
    for data in islice(mails, _LOOKED_AT):
        # Headers are enough, and the body may be large.
        mail = parse(data[:65_536])
        if mail is None:
            continue
        senders.add(mail.sender_address)
        for name in _DELIVERED:
            if address := mail.headers.get(name):
                delivered[address.strip("<> ").casefold()] += 1
    common = delivered.most_common(1)
    if not common or common[0][1] * 2 <= delivered.total() or common[0][0] not in senders:
        return frozenset()
    return frozenset((common[0][0],))


def _records(
    data: bytes, raw_ref: str, file: TreeFile, owner: _Owner, options: ReadOptions
) -> Iterator[ImportedRecord]:
    mail = parse(data, options.encoding)
    if mail is None:
        yield Dropped("no mail", raw_ref)
        return
    record = _record(mail, raw_ref, file, owner, options.drafts)
    yield record
    if isinstance(record, Document):
        yield from notes_of(mail.notes, raw_ref)
        if mail.attachments:
            yield Dropped("attachment", raw_ref, mail.attachments)


def _record(
    mail: Mail, raw_ref: str, file: TreeFile, owner: _Owner, drafts: bool
) -> Document | Dropped:
    labels = frozenset(
        label.strip().casefold() for label in mail.headers.get("x-gmail-labels", "").split(",")
    ) - {""}
    if labels & CHATS:
        return Dropped("chat, not mail", raw_ref)
    sent = owner.sent(mail, file, labels)
    if sent is None:
        return Dropped(UNKNOWN_SENDER, raw_ref)
    if not sent:
        return Dropped(OTHERS, raw_ref)
    if labels & DRAFTS and not labels & SENT and not drafts:
        return Dropped("draft", raw_ref)
    if _is_automatic(mail):
        return Dropped("automatic reply", raw_ref)
    words = mail.plain if mail.plain is not None else mail_html_to_text(mail.html or "")
    title, forwarded = without_prefixes(mail.headers.get("subject", ""))
    text = own_words(words)
    if not text.strip():
        if forwarded:
            return Dropped("forwarded message", raw_ref)
        quoted = "only quoted text" if words.strip() else "no text"
        return Dropped(quoted, raw_ref)
    date = times.from_mail(mail.headers.get("date") or "")
    message_id = mail.headers.get("message-id", "").strip("<> ")
    if not 0 < len(message_id) <= 200:
        return Document(text, raw_ref, title or None, date)
    # As an address (RFC 2392) it is the same in every mailbox and every export.
    return Document(text, f"mid:{message_id}", title or None, date, message_id)


def _is_automatic(mail: Mail) -> bool:
    headers = mail.headers
    if headers.get("auto-submitted", "no").casefold() != "no":
        return True
    if "x-autoreply" in headers or "x-autorespond" in headers:
        return True
    if headers.get("precedence", "").casefold() in ("auto_reply", "auto-reply"):
        return True
    if "multipart/report" in mail.kinds or "text/calendar" in mail.kinds:
        return True
    return headers.get("subject", "").casefold().startswith(AUTOMATIC)


IMPORTER = Importer(
    name="mail",
    title="Sent mail",
    kind="writing",
    how_to_export=(
        "Gmail: takeout.google.com, Mail only, the label Sent. Apple Mail: Mailbox > Export "
        "Mailbox. Thunderbird: the file Sent of the profile's Mail folder. Others: save mails as "
        ".eml into a folder."
    ),
    claims=_claims,
    read=_read,
)
