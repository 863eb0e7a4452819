"""Markdown's noise goes, everything that only looks like noise stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.markdown import read_markdown, strip_markdown


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a ![x](IMG 2034 (1).png) b", "a b"),
        ("a ![x](IMG (1.png) b", "a b"),
        ("![x](<a b.png> \"t (1)\")c", "c"),
        ("a ![x](y) ![z](y), b ![x](y)\n  ![x](y) c  d", "a , b \n  c  d"),
        ("a![x](y)  b ![x](y)c <b> d</b> e", "a  b c d e"),
        ("![](data:image/png;base64,AAAA/+==)c", "c"),
        ("see [the page](http://x.org/Tea_(drink)) now", "see the page now"),
        ("see [the page](http://x.org/Tea_(drink) now", "see the page now"),
        ("[see [1] here](http://x.org \"a title\")", "see [1] here"),
        ("[![alt](i.png) words](http://x.org)", "words"),
        ("[[a](b)](c)", "a"),
        ("[a][ref] [b] [c][]\n\n[ref]: http://x.org 'T'\n[c]: <x y>", "a [b] c\n"),
        ("![pic][ref]!\n[ref]: a/b.png", "!"),
        ("[sic] and [note](he said so, twice)", "[sic] and [note](he said so, twice)"),
        ("- [ ] milk\n- [x] tea", "- [ ] milk\n- [x] tea"),
        ("[Ada]: yes", "[Ada]: yes"),
        ("Tea.[^1]\n\n[^1]: With milk.", "Tea.\n\nWith milk."),
        ("[[page|the words]] [[page]] [[a\\|b]] [[a#^x1]]", "the words page b a"),
        ("![[photo.png]] ![[note#h|300]]", ""),
        ("a %%hidden\nwords%% b 100%% c", "a b 100%% c"),
        ("a <!-- hidden\n\nwords --> b <!-- open", "a b <!-- open"),
        ("<sigh> List<String> <b>it</b> & <3, x < y > z", "<sigh> List<String> it & <3, x < y > z"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<p align=\"center\" title='>'>a</p><p>b</p>", "a\nb\n"),
        ("<https://x.org/a> <ada@example.org>", "<ada@example.org>"),
        ("<script>var x = '<p>'</script>a<style>b</style>", "a"),
        ("Tea &amp; cake&nbsp;&lt;now&gt; AT&T &c.", "Tea & cake\xa0<now> AT&T &c."),
        ("`List<b>` and ``a ` <b>`` and ` <b>", "`List<b>` and ``a ` <b>`` and ` "),
        ("```html\n<b>[x](y)\n> q\n```\n<b>z</b>", "```html\n<b>[x](y)\n> q\n```\nz"),
        ("~~~\n```\n<b>\n~~~~\n<b>", "~~~\n```\n<b>\n~~~~\n"),
        ("```\n<b>never closed", "```\n<b>never closed"),
        ("\\[not a link](x.y) \\<b>", "\\[not a link](x.y) \\<b>"),
        ("# H\n\n* a\n* **b** _c_ ~~d~~ ==e== 👩‍🌾", "# H\n\n* a\n* **b** _c_ ~~d~~ ==e== 👩‍🌾"),
        ("unclosed [ and ]( and ![ and ](", "unclosed [ and ]( and ![ and ]("),
    ],
)  # fmt: skip
def test_what_is_noise_and_what_is_not(source: str, words: str) -> None:
    """Links keep their words without debris; brackets that are the author's stay."""
    assert strip_markdown(source) == words


def test_other_peoples_words_are_counted_not_kept() -> None:
    """Quotes go, an author's own callouts stay."""
    read = read_markdown(
        "I read:\n\n> To be\n> or not\n\nThen:\n>another\n\n> [!tip]- My advice\n> Drink **tea**.\n"
        "> > quoted in it\n> ```\n> > code\n> ```\n\n<blockquote>a <blockquote>b</blockquote> c"
        "</blockquote>End."
    )
    assert read.text == (
        "I read:\n\n\nThen:\n\nMy advice\nDrink **tea**.\n```\n> code\n```\n\nEnd."
    )
    assert read.quotes == 4


def test_code_in_comments_and_comments_in_code() -> None:
    """What opens first decides."""
    assert strip_markdown("a <!--\n```\nb -->\n```\nc") == "a \n```\nc"
    assert strip_markdown("```\n<!--\n```\nb -->") == "```\n<!--\n```\nb -->"


@given(st.text(alphabet="[]()<>!`\\%|^-&; \nab>:/\"'.", max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_words(text: str) -> None:
    """Never an exception; a text without marks is itself."""
    read_markdown(text)
    plain = "".join(c for c in text if c in "ab .\n'\"")
    assert strip_markdown(plain) == plain


@pytest.mark.parametrize(
    "run",
    ["[", "]", "(", ")", "<", "!", "-", " ", "`", "%", "&", "\\", ">", "\n", "![", "](", "[]",
     "[a](", "[a](x \"", "<a \"", "<!--", "<b>", "<script>", "<blockquote>", "[[", "[^", "``` ",
     "~~~\n",
     "> [!a]\n", "[a]: b/\n", "[a][b]", "` `` ", "(\\", "&#"],
)  # fmt: skip
def test_a_megabyte_of_one_mark(run: str) -> None:
    """Linear whatever the mark, also where one thing closes them all."""
    text = run * (200_000 // len(run))
    for source in (
        text * 5,
        f"[{text}](",
        f'{text}) ] --> </blockquote></script> "',
        text + "]" * 60_000,
    ):
        start = time.process_time()
        read_markdown(source)
        assert time.process_time() - start < 15
