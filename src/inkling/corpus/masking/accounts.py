"""Card numbers and bank accounts: numbers that carry a check of their own.

Cards: 14, 15, 16 or 19 digits in the groups that are printed on cards, a number range of a known
issuer, and the check of Luhn (ISO/IEC 7812). Accounts: ISO 13616, the length of the country and
the remainder of 97.
"""

from __future__ import annotations

import re

from inkling.corpus.masking.kinds import BLANK, Places

_NUMBERS = re.compile(rf"(?<![\w.,{BLANK}])\d(?:[ \u00a0-]?\d)*+(?![\w{BLANK}])")
_GROUP = re.compile(r"\d+")
_PRINTED = ([4, 4, 4, 4, 3], [4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [14], [15], [16], [19])
_FIRST = frozenset(printed[0] for printed in _PRINTED)
_ISSUED = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01]|720)\d{11,13}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d)\d{12}|62\d{14}(?:\d{3})?"
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:50|5[6-8]|6[0-9])\d{14}"
)

_ACCOUNT = re.compile(rf"(?<![A-Za-z0-9{BLANK}])[A-Za-z]{{2}}\d\d(?=[ \u00a0-]?[A-Za-z0-9])")
# fmt: off
_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}
# fmt: on


def find_cards(text: str) -> Places:
    """Numbers of cards, also in a row of other numbers."""
    for numbers in _NUMBERS.finditer(text):
        if len(numbers[0]) < 14:
            continue
        groups = [
            (group.start(), group.end())
            for group in _GROUP.finditer(text, numbers.start(), numbers.end())
        ]
        lengths = [stop - start for start, stop in groups]
        first = 0
        while first < len(groups):
            taken = _card_at(text, groups, lengths, first) if lengths[first] in _FIRST else 0
            if taken:
                yield groups[first][0], groups[first + taken - 1][1]
            first += taken or 1


def _card_at(text: str, groups: list[tuple[int, int]], lengths: list[int], first: int) -> int:
    """How many groups of digits from here on are a card's; 0 for none."""
    for printed in _PRINTED:
        if lengths[first : first + len(printed)] != printed:
            continue
        taken = groups[first : first + len(printed)]
        digits = "".join(text[start:stop] for start, stop in taken)
        if _ISSUED.fullmatch(digits) and _luhn(digits):
            return len(printed)
    return 0


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def find_accounts(text: str) -> Places:
    """IBANs, in one piece or in groups with a space or a hyphen between them."""
    behind = 0
    for head in _ACCOUNT.finditer(text):
        if head.start() < behind:
            continue
        wanted = _LENGTHS.get(head[0][:2].upper())
        if wanted is None:
            continue
        account, stop = head[0], head.end()
        while len(account) < wanted and stop < len(text):
            if text[stop] in " \u00a0-" and stop + 1 < len(text):
                stop += 1
            letter = text[stop]
            if not (letter.isascii() and letter.isalnum()):
                break
            account += letter
            stop += 1
        ends = stop == len(text) or not (text[stop].isalnum() or text[stop] == BLANK)
        if len(account) == wanted and ends and _remainder(account) == 1:
            yield head.start(), stop
            behind = stop


def _remainder(account: str) -> int:
    """The account behind its own head, letters as two digits, of 97."""
    return int("".join(str(int(letter, 36)) for letter in account[4:] + account[:4])) % 97
