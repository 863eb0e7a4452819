"""In which language a text is, guessed from its script and its commonest little words.

Knows: scripts, and some twenty words of each language that uses Latin or Cyrillic letters. Does not
know: grammar, dialects; what it cannot tell is "other". Data: text -> name of a language.

A guess for a table of shares, in microseconds; nothing is decided by it.
"""

from __future__ import annotations

import re

SAMPLED = 4_000
"""Characters of a text that are looked at: its beginning says it."""

OTHER = "other"

_BY_LANGUAGE = {
    "English": "the and of to is that it was for you with on are have this not but they my what",
    "German": "der die das und ist nicht ich ein zu den mit von auf für es sie auch noch wir dass",
    "French": "le les des et est que pas je vous une dans pour qui sur ce il nous au c'est mais",
    "Spanish": "el los las y es que no en por con para una del se lo pero como más yo está",
    "Italian": "il gli di che è non per una sono con mi ma del nella anche questo ho più della ci",
    "Portuguese": "o os as e é que não em um uma para com do da por mais você eu na isso",
    "Dutch": "het een en van ik niet dat is je op te met voor zijn maar ook er aan wat nog",
    "Swedish": "och att det som är inte jag på en av för med den har till ett men så vi du",
    "Danish": "og at det er ikke jeg på en af for med den har til et men så vi du der",
    "Polish": "i w nie na się że to jest z do jak co ale tak już po za przez czy mnie",
    "Czech": "a se na je že to v s ale jsem tak jak by co už jsou pro ve si byl",
    "Turkish": "ve bir bu da de için çok ne ben ama değil var mi gibi daha sen o kadar ile şey",
    "Finnish": "ja on ei se että oli mutta niin kun hän minä ovat tai myös olen joka ole kuin nyt",
    "Hungarian": "a az és hogy nem is egy van ez de meg már csak mint még el volt ha én azt",
    "Romanian": "și în nu de la cu că este pe un o mai din ce sunt pentru am care dar sau",
    "Indonesian": "dan yang di itu ini tidak ada saya aku untuk dengan dari ke akan bisa kamu",
    "Russian": "и в не на что я с это как он по но а так все у меня ты мы бы",
    "Ukrainian": "і в не на що я з це як він по але та так все у мене ти ми є",
    "Bulgarian": "и в не на че да се аз с това като той по но а така е ми ти си",
}  # fmt: skip


def _by_word() -> dict[str, list[str]]:
    said_in: dict[str, list[str]] = {}
    for language, words in _BY_LANGUAGE.items():
        for word in words.split():
            said_in.setdefault(word, []).append(language)
    return said_in


_SAID_IN = _by_word()
LITTLE_WORDS = frozenset(
    word
    for language in ("English", "German", "French", "Spanish", "Italian", "Portuguese", "Dutch")
    for word in _BY_LANGUAGE[language].split()
)
"""Words that are nobody's name. (Elsewhere some are: Ben is Turkish for I, Ada Indonesian.)"""

_SCRIPTS = (
    # Kana decide before Han: Japanese has both.
    ("Japanese", re.compile("[\u3040-\u30ff]")),
    ("Korean", re.compile("[\uac00-\ud7af]")),
    ("Chinese", re.compile("[\u4e00-\u9fff]")),
    ("Arabic", re.compile("[\u0600-\u06ff]")),
    ("Hebrew", re.compile("[\u0590-\u05ff]")),
    ("Greek", re.compile("[\u0370-\u03ff]")),
    ("Hindi", re.compile("[\u0900-\u097f]")),
    ("Bengali", re.compile("[\u0980-\u09ff]")),
    ("Thai", re.compile("[\u0e00-\u0e7f]")),
    ("Georgian", re.compile("[\u10a0-\u10ff]")),
    ("Armenian", re.compile("[\u0530-\u058f]")),
)
_SCRIPT_SHARE = 0.2
"""Of the letters, from which a script decides: names and links are in Latin letters everywhere."""

_FEWEST = 1.0
"""Little words from which a language is named, a word of two languages counting half in each."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def language_of(text: str) -> str:
    """The likeliest language of a text, by its English name; `OTHER` where nothing tells."""
    beginning = text[:SAMPLED].lower()
    letters = sum(map(str.isalpha, beginning))
    if not beginning.isascii():
        for name, script in _SCRIPTS:
            if len(script.findall(beginning)) > _SCRIPT_SHARE * max(1, letters):
                return name
    hits = dict.fromkeys(_BY_LANGUAGE, 0.0)
    for word in _WORD.findall(beginning.replace("’", "'")):
        languages = _SAID_IN.get(word, ())
        for language in languages:
            hits[language] += 1 / len(languages)
    best = max(hits, key=hits.__getitem__)
    return best if hits[best] >= _FEWEST else OTHER
