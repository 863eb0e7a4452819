"""The words of a Substack post, without the platform's own parts.

Knows: the components that Substack's editor writes into a post, and that some of them hold their
text in an attribute. Does not know: exports, the network.
Data: HTML of a body -> `post_words` -> words.

Classes as the exports and the API of the years 2019 to 2026 have them; TryGhost/migrate and
other converters list the same.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

from inkling.corpus.html import HtmlText, fragment_to_text

# What invites, shares, shows or plays.
_NOISE = (
    ".subscription-widget-wrap-editor, .subscription-widget, .subscribe-widget, "
    ".subscribe-footer, .button-wrapper, .captioned-button-wrap, .captioned-image-container, "
    ".image-link, .image-link-expand, .image3, .image-gallery-embed, .poll-embed, "
    ".paywall-jump, .paywall, .install-substack-app-embed, .community-chat, .post-footer, "
    ".native-video-embed, .native-audio-embed, .audio-embed-container, .youtube-wrap, "
    ".vimeo-wrap, .spotify-wrap, .apple-podcast-container, .soundcloud-wrap, "
    ".datawrapper-wrap, .tiktok-wrap, .file-embed-wrapper, .directMessage, .github-gist, "
    ".prediction-market-wrap, .header-anchor-parent, .header-anchor-widget, "
    ".recipe-embed-container, .comment-list, .share-dialog, .visibility-check, "
    ".sponsorship-campaign-embed, .stripe-embed, .install-substack-app, .restack-image, "
    ".view-image, .footnote-hovercard, "
    '[data-dynamic-content-match="false"]'
)

# Cards of other posts, posts on other platforms, notes and comments of readers.
_OTHERS = ", ".join(
    (
        ".digest-post-embed", ".embedded-post", ".embedded-post-wrap", ".embedded-publication-wrap",
        ".tweet", ".twitter-embed", ".instagram", ".instagram-embed-wrap", ".bluesky-wrap",
        ".comment", ".mention-wrap-post", ".pullquote", ".preformatted-quote",
    )
)  # fmt: skip

# Empty elements that a script fills: a formula, a name, a block of text. The words stand aside.
_ASIDE = re.compile(r'<(div|span|pre)\b((?:[^<>"]|"[^"<]*+")*+)>[ \t\n]*+</\1>')
_CLASS = re.compile(r'\bclass="[^"]*\b(?:latex-rendered|mention-wrap|preformatted-block)\b(?!-)')
_ATTRIBUTE = re.compile(r'\bdata-attrs="([^"]*+)"')


def post_words(body: str) -> HtmlText:
    """The author's words in a post's HTML; what others wrote is counted in `quotes`."""
    return fragment_to_text(_ASIDE.sub(_filled, body), noise=_NOISE, others=_OTHERS)


def _filled(element: re.Match[str]) -> str:
    said = _ATTRIBUTE.search(element[2])
    words = _said(said[1]) if said is not None and _CLASS.search(element[2]) else ""
    return f"<{element[1]}>{html.escape(words)}</{element[1]}>" if words else element[0]


def _said(attribute: str) -> str:
    """The text in a component's `data-attrs`."""
    try:
        said: Any = json.loads(html.unescape(attribute))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    for key in ("text", "content", "name", "persistentExpression"):
        if isinstance(said.get(key), str):
            return said[key].encode("utf-8", "replace").decode()
    return ""
