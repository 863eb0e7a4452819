"""Keys, tokens and passwords.

Knows: how the keys of well-known services begin, what a made-up string of letters and digits
looks like, and the words that stand before a password. Every pattern is bounded.
"""

from __future__ import annotations

import re
from itertools import pairwise

from inkling.corpus.masking.kinds import BLANK, Places, lowered

_EDGE = rf"(?<![\w{BLANK}-])"
_KNOWN = re.compile(
    _EDGE
    + r"(?:"
    + "|".join(
        (
            r"sk-(?:ant-|proj-|or-)?[\w-]{20,200}",
            r"(?:sk|pk|rk)_(?:live|test)_\w{10,100}",
            r"gh[opsur]_[A-Za-z0-9]{30,255}|github_pat_\w{40,255}|glpat-[\w-]{20,64}",
            r"xox[abeoprs]-[\w-]{10,200}|xapp-[\w-]{20,200}",
            r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?!\w)",
            r"AIza[\w-]{35}|ya29\.[\w-]{20,400}|GOCSPX-[\w-]{20,64}",
            r"hf_[A-Za-z0-9]{30,64}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,300}|dop_v1_[a-f0-9]{64}",
            r"SG\.[\w-]{16,64}\.[\w-]{16,64}|key-[a-f0-9]{32}|EAA[A-Za-z0-9]{60,400}",
            r"eyJ[\w-]{8,2000}\.[\w-]{8,4000}(?:\.[\w-]{0,2000})?",
            r"\d{8,10}:AA[\w-]{33}",
            r"AGE-SECRET-KEY-1[A-Z0-9]{58}|(?:xprv|yprv|zprv)[A-Za-z0-9]{100,112}",
        )
    )
    + r")"
)
_BEGINNINGS = (
    "sk-", "k_", "gh", "glpat-", "xox", "xapp-", "AKIA", "ASIA", "ABIA", "ACCA", "AIza", "ya29.",
    "GOCSPX-", "hf_", "npm_", "pypi-", "dop_v1_", "SG.", "key-", "EAA", "eyJ", ":AA", "AGE-SECRET",
    "prv",
)  # fmt: skip
_BLOCK_BEGINS = "-----BEGIN "
_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"[\w\s+/=:,.-]{0,20000}?-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
)

_TOKEN = re.compile(rf"(?<![\w+{BLANK}-])[A-Za-z0-9_+-]{{20,}}+=*(?![\w{BLANK}])")
_HEX = re.compile(r"(?=[a-f]*\d)(?:[0-9a-f]{32,}|[0-9A-F]{32,})", re.ASCII)
_LEAST_CHANGES = 0.35
"""Of neighbours in a token, how many are of another sort (upper case, lower case, digit): drawn at
random about 0.6, in names that people and programs give under 0.25."""

# Looked for in lower case, which is ten times as fast as without regard to case.
_KEY_STEM = re.compile(r"key|token|secret|bearer")
_OF_A_KEY = re.compile(
    r"(?:api|access|secret|auth|client|private|session|refresh|bot|deploy)[ _-]?$", re.IGNORECASE
)
_KEY_VALUE = re.compile(
    r"[\"']?[ \t]{0,3}(?:[:=]|\bis\b)?[ \t]{0,3}[\"'`]?"
    rf"(?P<value>[A-Za-z0-9_+/=.~-]{{12,400}})(?![\w{BLANK}])"
)
_PASSWORD_STEM = re.compile(
    r"pass|pwd|pw|kennwort|contrase|mdp|senha|wachtwoord|has[łl]o|l[öo]senord|adgangskode|salasana"
    r"|[şs]ifre|jelsz|heslo|parol|пароль|密|パスワード|비밀번호|كلمة المرور|סיסמה"
)
_PASSWORD = re.compile(
    r"(?:pass(?:word|wort|code|phrase|wd|ord)|(?<=mot de )passe|pwd|\bpw|kennwort|contrase[ñn]a"
    r"|\bmdp|\bsenha|wachtwoord|has[łl]o|l[öo]senord|adgangskode|salasana|[şs]ifre|jelsz[óo]|heslo"
    r"|parol[ae]?|пароль|密[码碼]|パスワード|비밀번호|كلمة المرور|סיסמה)"
    r"(?:[ \t]{0,2}[:=：]|[ \t](?:is|was|ist|lautet|war|est|es|é|è|jest|är)\b:?)"
    rf"[ \t]{{0,3}}[\"'`“„«]?(?P<value>[^\s{BLANK}]{{4,64}})(?![^\s])",
    re.IGNORECASE,
)
_PIN = re.compile(
    r"\bpin(?:[ -]?(?:code|number|nummer))?(?:[ \t]{0,2}[:=]|[ \t](?:is|ist|lautet|est|es|è)\b:?)"
    rf"[ \t]{{0,3}}(?P<value>\d{{4,8}})(?![\w{BLANK}])",
    re.IGNORECASE,
)
_CLOSING = ".,;:)\"'`”“»]}"
_IN_ADDRESS = re.compile(r"\b[a-z][a-z+.-]{1,20}://(?P<value>[^\s/:@]{0,64}:[^\s/@]{1,128})@")


def find_keys(text: str) -> Places:
    """Keys and tokens, by how they begin, by what stands before them, or by their look."""
    if any(beginning in text for beginning in _BEGINNINGS):
        yield from (found.span() for found in _KNOWN.finditer(text))
    if _BLOCK_BEGINS in text:
        yield from (found.span() for found in _BLOCK.finditer(text))
    for stem in _KEY_STEM.finditer(lowered(text)):
        named = stem[0] in ("token", "bearer")
        if not (named or _OF_A_KEY.search(text, max(0, stem.start() - 9), stem.start())):
            continue
        assigned = _KEY_VALUE.match(text, stem.end())
        if assigned is not None:
            value = assigned["value"]
            if any(map(str.isdigit, value)) and any(map(str.isalpha, value)):
                yield assigned.span("value")
    for found in _TOKEN.finditer(text):
        if _is_drawn(found[0]):
            yield found.span()


def _is_drawn(token: str) -> bool:
    """Whether a string was drawn at random, and not put together of words and dates."""
    plain = token.rstrip("=")
    if _HEX.fullmatch(plain):
        return True
    sorts = [_sort(letter) for letter in plain[:200]]
    counts = [sorts.count(sort) for sort in "aA0"]
    changes = sum(one != two and "-" not in (one, two) for one, two in pairwise(sorts))
    return min(counts) >= 2 and changes >= _LEAST_CHANGES * (len(sorts) - 1)


def _sort(letter: str) -> str:
    if letter.isdigit():
        return "0"
    return "A" if letter.isupper() else "a" if letter.islower() else "-"


def find_passwords(text: str) -> Places:
    """What stands behind "password:" and its like, in several languages, and in addresses such as
    https://name:password@host."""
    if "://" in text and "@" in text:
        yield from (found.span("value") for found in _IN_ADDRESS.finditer(text))
    lower = lowered(text)
    for stem in _PASSWORD_STEM.finditer(lower):
        found = _PASSWORD.match(text, stem.start())
        if found is None:
            continue
        start = found.start("value")
        value = found["value"].rstrip(_CLOSING)
        stated = any(mark in text[stem.end() : start] for mark in ":=：")
        last = text[found.end() : found.end() + 1] in ("", "\n")
        if _could_be_password(value, stated, last):
            yield start, start + len(value)
    if "pin" in lower:
        yield from (found.span("value") for found in _PIN.finditer(text))


def _could_be_password(value: str, stated: bool, last: bool) -> bool:
    """Whether a word behind "password" is one: not a word of a sentence. `stated`: a colon stands
    between them; `last`: nothing follows on the line."""
    if len(value) < 4 or "://" in value:
        return False
    if any(map(str.isdigit, value)):
        return True
    inside = value[1:]
    if stated and inside != inside.lower() and inside != inside.upper():
        return True
    if stated and any(not (letter.isalnum() or letter in "'’-_.…/") for letter in value):
        return True
    return stated and last and value.isalpha()
