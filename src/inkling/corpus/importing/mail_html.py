"""A person's own words out of an HTML mail.

Knows: how mail programs mark quotes and signatures in HTML, what starts a line.
Does not know: MIME, who wrote the mail.
Data: HTML -> `mail_html_to_text` -> text, for `mail_text.own_words`.
"""

from __future__ import annotations

import re
from typing import Any

_QUOTES = (
    "blockquote, .gmail_quote, .gmail_attr, .gmail_signature, .moz-cite-prefix, .moz-signature, "
    ".yahoo_quoted, .protonmail_quote, .protonmail_signature_block, .tutanota_quote, "
    "#OLK_SRC_BODY_SECTION, #reply-intro, .zmail_extra, .AppleMailSignature, #AppleMailSignature, "
    "#Signature, #ms-outlook-mobile-signature"
)
# From this mark on, Outlook repeats the mail that is answered.
_REPEATED = (
    "#divRplyFwdMsg, #appendonsend, #mail-editor-reference-message-container, hr#stopSpelling"
)
_NOISE = "head, style, script, title, noscript, template, svg, img, button, form"
_LINES = frozenset(("div", "tr", "li", "dt", "dd", "pre", "address"))
_BLOCKS = frozenset((
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "article", "section", "header",
    "footer", "dl", "hr",
))  # fmt: skip
_SPACE = re.compile(r"[ \t\n\r\f]+")


def mail_html_to_text(source: str) -> str:
    """Words of a mail: paragraphs set apart by a blank line, lines by a line break."""
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(source)
    root = page.body or page.root
    if root is None:
        return ""
    for mark in root.css(_REPEATED):
        while mark.next is not None:
            mark.next.decompose()
        mark.decompose()
    for node in root.css(_QUOTES):
        node.decompose()
    for node in root.css(_NOISE):
        node.decompose()
    return _lines(root)


def _lines(root: Any) -> str:
    """Text below a node. Iterative: mails nest tables."""
    lines: list[str] = []
    line: list[str] = []
    stack: list[tuple[Any, bool]] = [(root, False)]

    def end_line(blank: bool) -> None:
        text = "".join(line).strip()
        line.clear()
        if text:
            lines.append(text)
        if blank and lines and lines[-1]:
            lines.append("")

    while stack:
        node, leaving = stack.pop()
        tag = node.tag
        if tag == "-text":
            if text := _SPACE.sub(" ", node.text_content or ""):
                line.append(text if not line or not line[-1].endswith(" ") else text.lstrip(" "))
            continue
        if tag == "br":
            # Two in a row are a blank line.
            text = "".join(line).strip()
            line.clear()
            lines.append(text)
            continue
        if tag in _LINES or tag in _BLOCKS:
            end_line(tag in _BLOCKS)
            if not leaving:
                stack.append((node, True))
        if not leaving:
            child = node.last_child
            while child is not None:
                stack.append((child, False))
                child = child.prev
    end_line(False)
    return "\n".join(lines).strip()
