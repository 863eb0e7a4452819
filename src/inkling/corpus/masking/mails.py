"""Mail addresses in a text."""

from __future__ import annotations

import re

from inkling.corpus.masking.kinds import Places

_DOMAIN = re.compile(r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@-])")
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]")
_LONGEST = 64
# A sentence's own marks are no part of a name: ('ada@…), *ada@…*, mailto:ada@…
_EDGES = ".'`*/=|{}?#~!&"


def find_mails(text: str) -> Places:
    """Addresses, by their @: what may stand before it is looked at backwards, 64 characters of it
    at most, so that a run of letters costs nothing."""
    if "@" not in text:
        return
    behind = 0
    for domain in _DOMAIN.finditer(text):
        at = start = domain.start()
        while start > max(behind, at - _LONGEST) and _LOCAL.match(text[start - 1]):
            start -= 1
        while start < at and text[start] in _EDGES:
            start += 1
        if start < at:
            yield start, domain.end()
            behind = domain.end()
