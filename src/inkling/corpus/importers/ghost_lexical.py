"""Text out of Lexical, the tree in which Ghost's editor keeps posts.

Knows: the nodes of Koenig, Ghost's editor. Does not know: exports.
Data: JSON text -> `lexical_words` -> words. Iterative: trees nest.
"""

from __future__ import annotations

import json
from typing import Any

from inkling.corpus.html import HtmlText, fragment_to_text
from inkling.corpus.markdown import read_markdown

_LINES = frozenset(("paragraph", "heading", "extended-heading", "list", "aside", "root"))
_QUOTES = frozenset(("quote", "extended-quote", "bookmark", "embed", "call-to-action"))

# Cards that hold the author's words as HTML, and where.
_HTML_CARDS = {
    "callout": ("calloutText",),
    "toggle": ("heading", "content"),
    "html": ("html",),
    "email": ("html",),
    "header": ("header", "subheader"),
    "product": ("productTitle", "productDescription"),
}


def lexical_words(source: str) -> HtmlText:
    """The words of a post; no words where it is no such tree."""
    try:
        tree: Any = json.loads(source)
    except (ValueError, RecursionError):
        return HtmlText(None, None, "")
    root = tree.get("root") if isinstance(tree, dict) else None
    pieces: list[str] = []
    quotes = 0
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        if not isinstance(node, dict):
            continue
        kind = node.get("type")
        if kind in _QUOTES:
            quotes += 1
        elif kind == "linebreak":
            pieces.append("\n")
        elif kind == "tab":
            pieces.append("\t")
        elif kind == "markdown":
            read = read_markdown(_string(node, "markdown"))
            quotes += read.quotes
            pieces.append(f"\n\n{read.text}\n\n")
        elif kind == "codeblock":
            pieces.append(f"\n\n{_string(node, 'code')}\n\n")
        elif kind in _HTML_CARDS:
            for key in _HTML_CARDS[kind]:
                card = fragment_to_text(_string(node, key))
                quotes += card.quotes
                pieces.append(f"\n\n{card.text}\n\n")
        else:
            pieces.append(_string(node, "text"))
            children = node.get("children")
            # Read backwards from the stack: what closes the node first.
            end = "\n\n" if kind in _LINES else "\n" if kind == "listitem" else ""
            stack.append(end)
            stack.extend(reversed(children) if isinstance(children, list) else ())
    text = "".join(pieces).encode("utf-8", "replace").decode()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return HtmlText(None, None, text.strip("\n"), None, quotes)


def _string(node: dict[str, Any], key: str) -> str:
    value = node.get(key)
    return value if isinstance(value, str) else ""
