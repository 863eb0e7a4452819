"""Invented names for the people in a corpus, the same ones in all of its texts.

Knows: which names there are to give, and which words of a text are somebody's name. Does not know:
the database. Data: the names of people -> `Pseudonyms` -> places in a text with what stands there
instead.

A name is replaced part by part: whoever is called Ada becomes the same other name everywhere, and
two people who share a name share the invented one. Which one it becomes depends on the name alone,
so that people who come later change nothing, unless two names wanted the same one: the earlier
person has it then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from inkling.corpus.languages import LITTLE_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:[-][^\W\d_]+)*")
_LEAST = 2

# fmt: off
_FIRST_NAMES = tuple("""
Adela Alba Alvar Amos Anouk Ansel Arlo Astrid Aurel Bela Benno Birte Bruno Calla Cato Cora Cosmo
Dagny Dario Delia Demian Edda Elio Elva Emeric Enya Esko Etta Fabio Fenna Flora Frode Gala Gero
Gilda Greta Halvar Hanno Hedda Hugo Ilka Ines Ivo Jarl Jelena Joris Juna Kaja Kilian Kira Klaas
Lavinia Leif Lino Lotte Ludo Maelys Marek Marit Matteo Mira Moritz Nadja Nevin Nils Noemi Odin Olga
Orla Oskar Ottilie Paloma Pelle Pia Quentin Rafael Ragna Reto Romy Runa Sander Selma Sixten Solveig
Svea Tamsin Theo Tilda Tomas Ulla Urs Vera Viggo Wanda Wim Xenia Yara Ylva Yorick Zelda Zeno Zora
""".split())  # noqa: SIM905
_WORDS_TOO = frozenset("""
will may mark grace hope faith joy rose art bill jack sue pat rob drew chase hunter miles summer
june april august frank ernest dawn eve ivy lily daisy violet ruby amber pearl crystal penny bob
don dick jimmy john ray dean glen cliff heath rusty sandy rocky sunny star sky storm river max gene
guy hank josh tony wade ward wells stone wood woods hill hills field fields lake banks park parks
street king knight bishop pope young old long short small little white black brown green gray grey
good best love case page price rice rich sharp sterling baker cook mason smith taylor carter fisher
porter potter and the you him her she his its our are was were has had can but not for all any one
two who how why herr frau klein gross groß lang kurz weiß schwarz braun roth wolf vogel sommer
winter engel kaiser könig bauer koch maier fuchs berg bach wald feld stein baum rosa bella bianca
viola alba aurora sol luna cruz santos marin paz rey reyes leon flores rosario chiara bruno fiore
conte neri rossi serena mom mum dad papa mama mami oma opa baby boss admin user home work me them
""".split())  # noqa: SIM905
# fmt: on


class Pseudonyms:
    """Invented names for real ones."""

    def __init__(self, people: Iterable[str] = (), own: Iterable[str] = ()) -> None:
        """`people` are names as they are shown, those known longest first; `own` are such that
        stay, the author's."""
        stays = {part.casefold() for name in own for part in _WORD.findall(name)}
        parts = [
            part
            for name in people
            for part in _WORD.findall(name)
            if len(part) >= _LEAST
            and part.casefold() not in stays
            and part.lower() not in LITTLE_WORDS
        ]
        real = {part.casefold() for part in parts} | stays
        free = [name for name in _FIRST_NAMES if name.casefold() not in real]
        self._invented: dict[str, str] = {}
        taken: set[str] = set()
        for part in parts:
            if part.casefold() not in self._invented:
                name = _choose(part.casefold(), free, taken)
                taken.add(name)
                self._invented[part.casefold()] = name

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Names in a text, in order: where they stand, and what to say instead. In lower case only
        such as are no words of a language too: "will" may be anything."""
        if not self._invented:
            return
        for word in _WORD.finditer(text):
            invented = self._invented.get(word[0].casefold())
            if invented is not None and self._is_name(word[0]):
                yield word.start(), word.end(), _as_written(invented, word[0])

    def of(self, name: str) -> str:
        """What somebody is called instead, in a word: for a line that says who speaks."""
        words = _WORD.findall(name)
        known = (self._invented.get(word.casefold()) for word in words)
        return next(filter(None, known), None) or _choose(name.casefold(), (), set())

    def _is_name(self, word: str) -> bool:
        return not word.islower() or word not in _WORDS_TOO


def _choose(name: str, free: Iterable[str], taken: set[str]) -> str:
    """The free name whose turn it is for this one: by its hash, else the next that nobody has."""
    names = tuple(free) or _FIRST_NAMES
    start = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    number = start % len(names)
    for step in range(len(names)):
        chosen = names[(number + step) % len(names)]
        if chosen not in taken:
            return chosen
    rounds = 1 + len(taken) // len(names)
    return f"{names[number]}{_syllable(start // len(names), rounds)}"


def _syllable(number: int, length: int) -> str:
    """More letters for a name, where there are more people than names."""
    vowels, consonants = "aeio", "lmnrst"
    made = ""
    for _ in range(length + 2):
        number, letter = divmod(number, len(consonants))
        number, vowel = divmod(number, len(vowels))
        made += consonants[letter] + vowels[vowel]
    return made


def _as_written(name: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return name.upper()
    return name.lower() if like.islower() else name
