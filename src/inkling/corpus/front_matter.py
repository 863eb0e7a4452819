"""The header of a Markdown file: YAML between `---`, TOML between `+++`.

Knows: headers as Obsidian, Jekyll, Hugo and their plugins really write them, valid or not.
Does not know: what the fields mean to a source, Markdown.
Data: text -> `split_front_matter` -> fields and body.

A header is never training text. It is read as YAML or TOML first; where that fails (an
unquoted colon, `{{date}}`, `@home`, tabs), each of its fields is read alone, and a line of
which nothing can be made is counted. A rule of dashes above a text without a header is reported
apart by what follows: a header's first line is a field, and most of its lines belong to one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from inkling.corpus.importing.times import from_post

UNREADABLE_LINE = "a line of the header that cannot be read"
UNREADABLE_DATE = "a date in the header that does not exist"

# Larger headers, and ones that nest more, are read line by line: YAML's parser is quadratic in
# how deep brackets stand.
_PARSED_CHARACTERS = 50_000
_PARSED_BRACKETS = 300

_YAML_FIELD = re.compile(r"""(["']?)([^\W\d][\w .@/-]{0,60}?)\1[ \t]?:(?:[ \t](.*)|)""")
_TOML_FIELD = re.compile(r"""(["']?)([A-Za-z_][\w.-]{0,60})\1[ \t]?=[ \t]?(.*)""")
_YAML_END = re.compile(r"^(?:---|\.\.\.)[ \t]*+$", re.MULTILINE)
_TOML_END = re.compile(r"^\+\+\+[ \t]*+$", re.MULTILINE)
_TOML_TABLE = re.compile(r"\[\[?[^\[\]]{1,80}\]\]?")

_DATE_KEYS = (
    "date", "published", "published_at", "publishdate", "date published", "pubdate", "created",
    "created_at", "date created", "creation date", "updated", "lastmod",
)  # fmt: skip
_KNOWN_KEYS = frozenset(
    ("title", "tags", "tag", "categories", "category", "layout", "author", "aliases", "draft",
     "slug", "permalink", "description", "subtitle", "status", "cssclasses", *_DATE_KEYS)
)  # fmt: skip
# A dialog may open with a rule, too.
_SPEAKERS = frozenset(("me", "them"))


@dataclass(frozen=True)
class FrontMatter:
    """What a Markdown file says of itself, and the rest of it."""

    title: str | None
    date: str | None
    """ISO 8601; None where there is none, or none that exists."""
    body: str
    fields: dict[str, str] = field(default_factory=dict)
    """Every field with one value, as written; keys in lower case."""
    unreadable: dict[str, int] = field(default_factory=dict)
    """What of the header cannot be read: reason -> count."""

    @property
    def is_draft(self) -> bool:
        """Whether the file calls itself unpublished."""
        return (
            self.fields.get("draft", "").lower() in ("true", "yes", "on", "1")
            or self.fields.get("published", "").lower() in ("false", "no", "off")
            or self.fields.get("status", "").lower() in ("draft", "private")
        )


def split_front_matter(text: str) -> FrontMatter:
    """Separate the header at the very top from the body. The text without one is all body."""
    first, newline, rest = text.partition("\n")
    fence = first.strip("\ufeff \t\r")
    if fence not in ("---", "+++") or not newline:
        return FrontMatter(None, None, text)
    parts = _parts(rest, fence)
    if parts is None:
        return FrontMatter(None, None, text)
    header, body = parts
    if fence == "+++":
        found = _toml(header)
        fields, unreadable = found if found is not None else _by_line(header, _TOML_FIELD)
    else:
        found = _yaml(header)
        fields, unreadable = found if found is not None else _by_block(header)
    told = {UNREADABLE_LINE: unreadable} if unreadable else {}
    date, wrong = _date(fields)
    if wrong:
        told[UNREADABLE_DATE] = wrong
    return FrontMatter(fields.get("title") or None, date, body, fields, told)


def _parts(rest: str, fence: str) -> tuple[str, str] | None:
    """The header below its first fence, and the text after it; None where there is no header."""
    closing = _TOML_END if fence == "+++" else _YAML_END
    pattern = _TOML_FIELD if fence == "+++" else _YAML_FIELD
    end = closing.search(rest)
    if end is not None:
        header, body = rest[: end.start()], rest[end.end() + 1 :]
        if _is_header(header, body, pattern):
            return header, body
    # One that nobody closed, or a rule further down: it ends at the first empty line.
    header, _, body = rest.partition("\n\n")
    keys, loose = _keys(header, pattern)
    if loose == 0 and any(key.lower() in _KNOWN_KEYS for key in keys):
        return header, body
    return None


def _keys(header: str, pattern: re.Pattern[str]) -> tuple[dict[str, str], int]:
    """Fields at the left edge with their values, and how many lines belong to none. One whose
    name stands twice counts as such a line."""
    keys: dict[str, str] = {}
    loose = 0
    for line in header.splitlines():
        content = line.rstrip()
        # Continued lines, lists, comments, the ends of brackets and quotes.
        if not content or content[0] == "#" or (keys and content[0] in " \t-]}\"'"):
            continue
        if pattern is _TOML_FIELD and _TOML_TABLE.fullmatch(content):
            continue
        match = pattern.fullmatch(content)
        if match is None or match[2] in keys:
            loose += 1
        else:
            keys[match[2]] = match[3] or ""
    return keys, loose


def _is_header(header: str, body: str, pattern: re.Pattern[str]) -> bool:
    """Whether lines between two fences are fields, and no prose or dialog between two rules."""
    if not header.strip():
        return header == ""  # an empty header; with an empty line in it, two rules
    keys, loose = _keys(header, pattern)
    first = next((n for n in header.splitlines() if n.strip() and n[0] != "#"), "")
    if not keys or pattern.fullmatch(first.rstrip()) is None:
        return False
    if any(key.lower() in _KNOWN_KEYS for key in keys):
        # Lines that are none, below an empty one: prose, and the fence is a rule further down.
        return not loose or (loose <= 2 * len(keys) and "\n\n" not in header)
    if header.startswith("\n") or loose or pattern is _TOML_FIELD:
        return not loose and not header.startswith("\n")
    return all(_could_be_field(key, value, body) for key, value in keys.items())


def _could_be_field(key: str, value: str, body: str) -> bool:
    """Whether a line with a colon, under a name that no program uses, is more likely a field
    than a sentence or the turn of a speaker."""
    if " " in key or key.lower() in _SPEAKERS:
        return False
    if key[0].isupper() and value.rstrip().endswith((".", "!", "?", "…")):
        return False
    return f"\n{key}:" not in f"\n{body}"


def _yaml(header: str) -> tuple[dict[str, str], int] | None:
    """Fields of a header that is valid YAML."""
    if len(header) > _PARSED_CHARACTERS or header.count("[") + header.count("{") > _PARSED_BRACKETS:
        return None
    import yaml

    try:
        # Everything stays as written: YAML makes 1:30 a 90, no a false and a bare date a date.
        loaded: Any = yaml.load(header, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None
    if loaded is None or loaded == "":
        return {}, 0
    return (_scalars(loaded), 0) if isinstance(loaded, dict) else None


def _toml(header: str) -> tuple[dict[str, str], int] | None:
    """Fields of a header that is valid TOML."""
    if len(header) > _PARSED_CHARACTERS or header.count("[") + header.count("{") > _PARSED_BRACKETS:
        return None
    import tomllib

    try:
        return _scalars(tomllib.loads(header)), 0
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return None


def _scalars(fields: dict[Any, Any]) -> dict[str, str]:
    """Fields with one value; lists of plain values are joined by commas."""
    found: dict[str, str] = {}
    for key, value in fields.items():
        if isinstance(value, list):
            value = ", ".join(str(v) for v in value if not isinstance(v, list | dict))
        if isinstance(value, bool):
            value = str(value).lower()
        if value is not None and not isinstance(value, dict):
            found[str(key).lower()] = str(value).strip()
    return found


def _by_block(header: str) -> tuple[dict[str, str], int]:
    """Fields of a header that is no YAML: each with the lines that belong to it, alone."""
    fields: dict[str, str] = {}
    unreadable = 0
    for lines in _blocks(header):
        match = _YAML_FIELD.fullmatch(lines[0].rstrip())
        if match is None:
            unreadable += sum(1 for line in lines if line.strip() and not line.startswith("#"))
            continue
        parsed = _yaml("\n".join(line.replace("\t", "  ") for line in lines))
        if parsed is not None and parsed[0]:
            fields.update(parsed[0])
        else:
            value = _unquoted(match[3] or "")
            if value.startswith("{{") and value.endswith("}}"):  # a template never filled in
                unreadable += 1
            else:
                fields[match[2].lower()] = value
            unreadable += sum(1 for line in lines[1:] if line.strip())
    return fields, unreadable


def _blocks(header: str) -> Iterator[list[str]]:
    """The lines of each field: its own, and those below that are indented or list items."""
    block: list[str] = []
    for line in header.splitlines():
        if block and (not line.strip() or line[0] in " \t-"):
            block.append(line)
        else:
            if block:
                yield block
            block = [line]
    if block:
        yield block


def _by_line(header: str, pattern: re.Pattern[str]) -> tuple[dict[str, str], int]:
    """Fields of a header that is no TOML: one a line."""
    fields: dict[str, str] = {}
    unreadable = 0
    for line in header.splitlines():
        content = line.strip()
        if not content or content.startswith("#") or _TOML_TABLE.fullmatch(content):
            continue
        match = pattern.fullmatch(content)
        if match is None:
            unreadable += 1
        else:
            fields.setdefault(match[2].lower(), _unquoted(match[3]))
    return fields, unreadable


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _date(fields: dict[str, str]) -> tuple[str | None, int]:
    """The first date that exists, and how many fields should hold one and do not."""
    wrong = 0
    found: str | None = None
    for key in _DATE_KEYS:
        value = fields.get(key, "")
        if not value or value.lower() in ("true", "false", "yes", "no", "null", "~"):
            continue
        date = from_post(value)
        wrong += date is None
        found = found or date
    return found, wrong
