"""One-time codes: "your code is 123456", as services and people write it in several languages.

Knows: words for such codes, and how they stand beside a number of four to eight digits.
"""

from __future__ import annotations

import re

from inkling.corpus.masking.kinds import BLANK, Places, lowered

_SPECIFIC = (
    r"(?:(?:verification|confirmation|security|log-?in|sign-?in|access|one[- ]?time|activation"
    r"|authenticat(?:ion|or)|auth|pairing|backup|2fa|sms|unlock|reset)[ -]?"
    r"(?:code|pass(?:code|word)|pin)"
    r"|pass ?code|(?-i:\bOTP\b)|(?-i:\b(?:SMS-?|m)?TAN\b)"
    r"|(?:bestätigungs|sicherheits|anmelde|zugangs|aktivierungs|verifizierungs|einmal|freischalt"
    r"|prüf)[- ]?code|einmal(?:pass|kenn)wort"
    r"|code d(?:e |')(?:vérification|sécurité|confirmation|connexion|validation|accès|activation)"
    r"|c[óo]digo de (?:verificaci[óo]n|seguridad|confirmaci[óo]n|acceso|verificaç[ãa]o|segurança)"
    r"|codice (?:di |d')(?:verifica|sicurezza|conferma|accesso|attivazione)"
    r"|(?:verificatie|beveiligings|toegangs|bevestigings)code|(?:verifierings|engångs|säkerhets)kod"
    r"|(?:bekræftelses|sikkerheds|verifiserings|engangs)kode|vahvistuskoodi"
    r"|kod (?:weryfikacyjny|potwierdzający|dostępu)|ověřovací kód|do[ğg]rulama kodu"
    r"|код(?:а|ом)?(?: подтверждения| доступа| для входа| авторизации)?|код підтвердження"
    r"|验证码|驗證碼|校验码|認証コード|確認コード|인증 ?(?:번호|코드)|رمز التحقق|קוד (?:ה)?אימות)"
)
_GENERAL = r"\b(?:code|codes|c[óo]digo|codice|kode|kod|kód|koodi)\b"
_IS = r"[:=：]|\b(?:is|was|ist|lautet|war|est|es|é|è|jest|är|er|on)\b"
_EQUALS = rf"[ \t]{{0,2}}(?:(?:{_IS})[ \t]{{0,2}}){{1,2}}"
_NUMBER = re.compile(
    rf"(?<![\w.,#+{BLANK}-])(?:[A-Z]{{1,3}}-)?(?:\d{{3}}[ -]\d{{3,4}}|\d{{4,8}})"
    rf"(?![\w{BLANK}]|[.,:/-]\d| ?[%€£$])"
)
_BETWEEN = rf"[^\d\n{BLANK}]"
_YEAR = re.compile(r"(?:19|20)\d\d")
_STEM = re.compile(
    "cod|kod|kood|kód|cód|tan|otp|wort|pin|password|код|验证|驗證|校验|コード|인증|رمز|קוד"
)
_OTHER_CODES = re.compile(
    r"(?:zip|post(?:al)?|area|error|status|exit|dress|bar|qr|country|dial(?:ling|ing)?|http"
    r"|source|colou?r|hex|promo|discount|voucher|product|item|morse|building|civil|penal|sort"
    r"|currency|airport|fehler|postleit|farb|statut|postale?|d['’]erreur)[ -]?$",
    re.IGNORECASE,
)

_AROUND = 72
"""Characters on either side of a number that are looked at."""
_NUMBERLESS_END = re.compile(rf"{_BETWEEN}*$")
_NUMBERLESS_BEGINNING = re.compile(rf"{_BETWEEN}*")
_SAID_BEFORE = re.compile(rf"{_SPECIFIC}(?P<between>{_BETWEEN}{{0,40}})$", re.IGNORECASE)
_CALLED_BEFORE = re.compile(rf"{_GENERAL}{_EQUALS}$", re.IGNORECASE)
_SAID_AFTER = re.compile(
    rf"{_BETWEEN}{{1,40}}?{_SPECIFIC}"
    rf"|[ \t]{{0,2}}(?:is|ist|est|es|è|é)[ \t]{{1,2}}(?:your|the|my|dein|ihr|der|votre|ton|le|tu|su"
    rf"|el|il tuo|il suo|o seu)[ \t](?:[\w.-]{{1,30}}[ \t]){{0,2}}{_GENERAL}",
    re.IGNORECASE,
)


def find_codes(text: str) -> Places:
    """The numbers only; the words around them stay."""
    lower = lowered(text)
    if not _STEM.search(lower):
        return
    for number in _NUMBER.finditer(text):
        start, stop = number.span()
        begin, end = max(0, start - _AROUND), min(len(text), stop + _AROUND)
        if _STEM.search(lower, begin, end) and _is_code(text, number[0], start, stop):
            yield start, stop


def _is_code(text: str, number: str, start: int, stop: int) -> bool:
    before = _NUMBERLESS_END.search(text[max(0, start - _AROUND) : start])[0]  # type: ignore[index]
    after = _NUMBERLESS_BEGINNING.match(text[stop : stop + _AROUND])[0]  # type: ignore[index]
    # "the security code of 2019": a year, and no sign that it is more.
    is_year = _YEAR.fullmatch(number) is not None
    said = _SAID_BEFORE.search(before)
    if said is not None and not (is_year and ":" not in said["between"]):
        return True
    called = _CALLED_BEFORE.search(before)
    if called is not None and not _OTHER_CODES.search(before, 0, called.start()):
        return True
    return not is_year and _SAID_AFTER.match(after) is not None
