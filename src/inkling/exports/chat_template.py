"""Inkling's chat format in the template languages of other engines.

Knows: how `inkling.tokens.chat_format` and `inkling.inference.prompts` are said in
Jinja (transformers, vLLM, MLX, llama.cpp) and in Ollama's Go templates. Does not know: models.

The Jinja template reads a turn as `normalize_turn` does, with tables made from Unicode's own, and
keeps as many turns as Inkling. llama.cpp's Jinja loops over lists but not over a text's
characters, and its `lower` knows ASCII only: hence tables that are split, and one of capitals for
engines that need it. It takes 0.1 ms an entry, so the tables of the run's own characters come
first, and those of all others only where something is left. Two things a template cannot do: count
tokens, so that a history longer than the context is not cut at the turn where Inkling cuts it, and
tell a special token from text that looks like one. Such text is therefore broken up by a space.

A last reply without words is shown as a turn without words. llama.cpp finds out what stands around
a reply by comparing one that has words with one that has none; where the latter is not shown it
takes <|me|> and <|end|> for a part of what is said, and <|end|> is seen in each reply.

What a system says is looked at before it is left out: where llama.cpp sees that a template never
looks at it, it puts it in front of the question.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from inkling.inference.prompts import HISTORY_TURNS
from inkling.tokens.chat_format import APOSTROPHES
from inkling.tokens.vocabulary import SPECIAL_TOKENS

MOST_COMMON = 512
"""Own characters that count as common, at most: a long list takes longer than it saves."""


def jinja_template(tuned: bool, characters: str) -> str:
    """The chat template of a run that was fine-tuned on dialogs, or of one that was not and
    continues what was said like any text. `characters` are those of its tokenizer."""
    common = {chr(code) for code in range(128)}
    if len(characters) <= MOST_COMMON:
        common |= set(characters)
    found = {
        "@TURNS@": str(HISTORY_TURNS + 1),
        "@APOSTROPHES@": " ".join(APOSTROPHES),
        "@COMMON@": _tables(common),
        "@OTHER@": _tables(set(_every_character()) - common),
        "@PLAIN@": " ".join(sorted(filter(_is_plain, common))),
        "@SPECIALS@": " ".join(SPECIAL_TOKENS),
    }
    name = "chat_template.jinja" if tuned else "text_template.jinja"
    template = files("inkling.exports").joinpath(name).read_text(encoding="utf-8").rstrip("\n")
    for placeholder, table in found.items():
        template = template.replace(placeholder, table)
    return template


def ollama_template(tuned: bool) -> str:
    """The same for a Modelfile, as far as Go's templates can: they change no text, so what is
    asked goes in as it was typed. <|end|>, which opens every prompt, is put there by the engine."""
    if not tuned:
        return '{{ range .Messages }}{{ if ne .Role "system" }}{{ .Content }}\n{{ end }}{{ end }}'
    return (
        "{{- range $i, $_ := .Messages }}"
        "{{- $last := eq (len (slice $.Messages $i)) 1 }}"
        '{{- if eq .Role "user" }}<|them|> {{ .Content }}'
        '{{- else if eq .Role "assistant" }}<|me|> {{ .Content }}{{ if not $last }}<|end|>{{ end }}'
        "{{- end }}"
        '{{- if and $last (ne .Role "assistant") }}<|me|>{{ end }}'
        "{{- end }}"
    )


@cache
def _every_character() -> tuple[str, ...]:
    """All that lower-casing changes, punctuation and white space."""
    return tuple(c for c in map(chr, range(sys.maxunicode + 1)) if not _is_plain(c))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _is_plain(character: str) -> bool:
    """Whether it is read as it is. Control characters have no place in a list."""
    changes = character.lower() != character or _is_mark(character) or character in APOSTROPHES
    return not changes and not character.isspace() and character.isprintable()


def _tables(characters: set[str]) -> str:
    """Capitals with their small letters, marks, and blanks, as a list in Jinja."""
    ordered = sorted(characters)
    capitals = [f"{c}={c.lower()}" for c in ordered if c.lower() != c and not c.isascii()]
    marks = [c for c in ordered if _is_mark(c) and c not in APOSTROPHES]
    blanks = [c for c in ordered if c.isspace() and c != " "]
    return f"[{_quoted(' '.join(capitals))}, {_quoted(' '.join(marks))}, {_list(blanks)}]"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _quoted(text: str) -> str:
    # A carriage return in a template's source becomes a line break; escaped it stays one.
    for character, escaped in (("\\", r"\\"), ("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t")):
        text = text.replace(character, escaped)
    return f"'{text}'"
