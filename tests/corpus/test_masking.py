"""What is masked, what is not, and that nothing else of a text changes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.corpus.masking.decisions import Decisions, comparable
from inkling.corpus.masking.find import find_secrets
from inkling.corpus.masking.kinds import BLANK, PLACEHOLDERS
from inkling.corpus.masking.masking import Masking
from inkling.corpus.masking.pseudonyms import Pseudonyms
from tests.conftest import DEMO

RENZO = Path(__file__).resolve().parent.parent / "corpora" / "renzo"
KEY = "aZ3kP9xQ7mL2vB8nT4wR6yU1"
REGIONS = (None, "DE", "US", "GB", "FR")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to ada.lovelace+x@math.example.co.uk.", "write to [mail]."),
        ("(bob@example.com), <cy@ex.io>!", "([mail]), <[mail]>!"),
        ("mailto:müller@bücher.example", "mailto:[mail]"),
        ("call +49 171 1234567 tonight", "call [phone] tonight"),
        ("+1 (415) 555-2671", "[phone]"),
        ("0044 20 7946 0018", "[phone]"),
        ("card 4111 1111 1111 1111 exp 03/27", "card [card] exp 03/27"),
        ("5500-0000-0000-0004, 378282246310005", "[card], [card]"),
        ("IBAN DE89 3704 0044 0532 0130 00 and", "IBAN [iban] and"),
        ("gb82west12345698765432.", "[iban]."),
        ("Your code is 123456.", "Your code is [code]."),
        ("G-384756 is your Google verification code.", "[code] is your Google verification code."),
        ("Dein Code lautet: 4711", "Dein Code lautet: [code]"),
        ("Votre code de vérification est 482 913", "Votre code de vérification est [code]"),
        ("Su código de verificación es 552817", "Su código de verificación es [code]"),
        ("Ваш код: 55512", "Ваш код: [code]"),
        ("【微信】验证码 482913", "【微信】验证码 [code]"),
        ("Il tuo codice di verifica è 440129", "Il tuo codice di verifica è [code]"),
        ("Seu código de verificação é 771204", "Seu código de verificação é [code]"),
        ("Je verificatiecode is 662817", "Je verificatiecode is [code]"),
        ("Din verifieringskod: 118204", "Din verifieringskod: [code]"),
        ("Din bekræftelseskode er 905512", "Din bekræftelseskode er [code]"),
        ("Vahvistuskoodi: 448120", "Vahvistuskoodi: [code]"),
        ("Kod weryfikacyjny: 220917", "Kod weryfikacyjny: [code]"),
        ("Ověřovací kód: 553201", "Ověřovací kód: [code]"),
        ("Doğrulama kodu: 610294", "Doğrulama kodu: [code]"),
        ("認証コード 730164", "認証コード [code]"),
        ("인증번호 482015", "인증번호 [code]"),
        ("رمز التحقق 390217", "رمز التحقق [code]"),
        ("mTAN 948372 für die Überweisung", "mTAN [code] für die Überweisung"),
        ("the door code is 1984", "the door code is [code]"),
        ("password: hunter2", "password: [password]"),
        ("Passwort ist geheim9!", "Passwort ist [password]"),
        ("Password: swordfish", "Password: [password]"),
        ("mot de passe : soleil42", "mot de passe : [password]"),
        ("PIN: 4711", "PIN: [password]"),
        ("https://ada:s3cret@host.example/x", "https://[password]@host.example/x"),
        (f"key {KEY}!", "key [key]!"),
        ("ghp_" + "a1B2" * 9, "[key]"),
        ("api_key = '8f14e45f-ceea-467f'", "api_key = '[key]'"),
        ("8f14e45fceea167a5a36dedd4bea2543", "[key]"),
    ],
)
def test_what_is_private_is_masked(text: str, masked: str) -> None:
    """A placeholder that says what stood there, and the rest as it was."""
    assert Masking().mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "it cost $1,234,567 or 1 234 567 €, 12.50 each, 3 for 2",
        "from 1914-1918, in 2024, on 12.05.2024, 2024-01-15 10:30:00, at 12:30-13:45",
        "ISBN 978-3-16-148410-0, ISBN 0-306-40615-2, pages 123-145, p. 1002",
        "zip code: 12345, error code 50031, area code 415, the dress code is 1920s",
        "the password is something nobody knows. Password: the thing we forget",
        "pi is 3.14159265358979, order 4155552671, unix 1700000000, 1700000000000 ms",
        "WhatsApp_Image_2024-01-01_at_12.30.55.jpeg IMG_20240101_123456-EditedPhoto",
        "@ada said hi, a@b, me @ home, ratio 16:9, score 3:2, http://example.com/a/b?c=1234567",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479, donaudampfschifffahrtsgesellschaft",
        "1234 5678 9012 3456 is no card, DE00 3704 0044 0532 0130 00 no account",
        "the security code of 2019 and the tan of 2020",
        "192.168.100.200, v1.2.3.4567, 10000000 people, 52.520008, 13.404954",
    ],
)
@pytest.mark.parametrize("region", REGIONS)
def test_numbers_that_tell_nothing_stay(text: str, region: str | None) -> None:
    """Prices, years, times, books, pages, orders, ids."""
    assert Masking(region=region).mask(text).text == text


@pytest.mark.parametrize(
    ("text", "region", "masked"),
    [
        ("ruf 0171 1234567 an", "DE", "ruf [phone] an"),
        ("(415) 555-2671 or 415-555-2671", "US", "[phone] or [phone]"),
        ("tel 4155552671", "US", "tel [phone]"),
        ("020 7946 0018", "GB", "[phone]"),
        ("06 12 34 56 78", "FR", "[phone]"),
        ("ruf 0171 1234567 an", None, "ruf 0171 1234567 an"),
    ],
)
def test_numbers_of_a_region(text: str, region: str | None, masked: str) -> None:
    """As they are written there; without a region only those that work from everywhere."""
    assert Masking(region=region).mask(text).text == masked


@pytest.mark.parametrize("region", REGIONS)
def test_invented_authors_have_no_secrets(region: str | None) -> None:
    """Their writing is learned as it is."""
    read = 0
    for folder in (DEMO, RENZO):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".md", ".txt"):
                text = path.read_text(encoding="utf-8")
                read += len(text)
                assert find_secrets(text, region) == [], path
    assert read > 600_000


SECRETS = st.sampled_from(
    [
        "ada@example.com", "+49 171 1234567", "4111 1111 1111 1111", "DE89370400440532013000",
        "your code is 123456", "password: hunter2", KEY, "https://a:b@c.de", "0171 1234567",
        "[mail]", "[phone]", "4111", "+49", "@", "code", "password", ": ", "is ", " ", "\n", "-",
        "(", "]", "token=", "sk-", "123456", "x", "İ",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(),
    st.lists(SECRETS, max_size=14).map("".join),
    st.lists(SECRETS | st.text(max_size=3), max_size=12).map(" ".join),
    st.text("0123456789 +-()@.:ab[]", max_size=80),
)


@given(TEXTS, st.sampled_from(REGIONS))
def test_masked_once_is_masked(text: str, region: str | None) -> None:
    """A second time changes nothing."""
    once = Masking(region=region).mask(text).text
    assert Masking(region=region).mask(once).text == once


@given(TEXTS, st.sampled_from(REGIONS))
def test_the_rest_is_as_it_was(text: str, region: str | None) -> None:
    """Between the placeholders stands the original, and every place is known in it."""
    masked = Masking(region=region).mask(text)
    behind = shown = 0
    for span in masked.spans:
        assert behind <= span.start < span.stop
        between = text[behind : span.start]
        assert masked.text[shown : shown + len(between)] == between
        for offset in range(len(between)):
            assert masked.original(shown + offset) == behind + offset
        shown += len(between)
        assert masked.text[shown : shown + len(span.replacement)] == span.replacement
        assert masked.original(shown) == span.start
        shown += len(span.replacement)
        behind = span.stop
    assert masked.text[shown:] == text[behind:]
    if not masked.spans:
        assert masked.text is text


M = 1_000_000


@pytest.mark.parametrize(
    "unit",
    ["1", "-", " ", "a", "@", "+", "(", ".", "[", "1-", "1 ", "a@", "+1", "0a", "1234 ", "aZ1",
     "12345678\n", "code: ", "code 1234 ", "password: ", "de12 ", "eyJ", "eyJaaaaaaaa.", "token",
     "key=", "://", "a://b:", "-----BEGIN PRIVATE KEY-----", "0171 1", "İ", "4111 1111 1111 1112 "],
)  # fmt: skip
def test_a_megabyte_of_anything_is_looked_through(unit: str) -> None:
    """In linear time, whatever it is made of."""
    begun = time.process_time()
    find_secrets(unit * (M // len(unit)), "DE")
    assert time.process_time() - begun < 20


def test_a_kind_or_a_value_can_stay() -> None:
    """And a text that nobody would take for a secret can be masked."""
    text = "mail info@me.example or ada@example.com, +49 171 1234567, at 12 Harbour Lane"
    assert Masking(Decisions(kept_kinds={"mail"})).mask(text).text.startswith("mail info@me.ex")
    kept = Decisions(kept_values={comparable("phone", "+49 (171) 1234567")})
    assert "+49 171 1234567" in Masking(kept).mask(text).text
    own = Masking(Decisions(masked_texts=("12 harbour lane",)))
    assert own.mask(text).text.endswith("at [private]")
    assert own.mask(own.mask(text).text).text == own.mask(text).text


def test_people_get_the_same_names_everywhere() -> None:
    """By the part of a name, in the case it was written in, whole words only."""
    names = Pseudonyms(["Ada Lovelace", "Will Stone", "Bo"])
    masked = Masking(names=names).mask("Ada and ada met Adam; Will will call ADA LOVELACE. Bobo!")
    (ada, lovelace, will) = (names.of(name) for name in ("Ada", "Lovelace", "Will"))
    assert masked.text == (
        f"{ada} and {ada.lower()} met Adam; {will} will call {ada.upper()} {lovelace.upper()}. "
        "Bobo!"
    )
    assert Masking(names=names).mask(masked.text).text == masked.text
    later = Pseudonyms(["Ada Lovelace", "Will Stone", "Bo", "Cleo", "Dora Grau"])
    assert [later.of(name) for name in ("Ada", "Will", "Bo")] == [ada, will, names.of("Bo")]


def test_there_are_names_for_everybody() -> None:
    """Also for more people than names were thought of, each another."""
    people = [
        f"Person{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}{chr(97 + n // 676)}" for n in range(2000)
    ]
    names = Pseudonyms(people)
    assert len({names.of(person) for person in people}) == 2000


def test_nothing_masked_has_no_digest() -> None:
    """A digest tells apart what was masked, whatever the order."""
    one, two = "0" * 63 + "1", "0" * 63 + "2"
    clean = Masking()
    assert clean.document(one, "nothing here 12") == "nothing here 12"
    assert clean.digest() == ""
    first, second = Masking(), Masking()
    for name, mail in ((one, "a@b.example"), (two, "c@d.example")):
        assert first.document(name, mail) == "[mail]"
    for name, mail in ((two, "c@d.example"), (one, "a@b.example"), (one, "a@b.example")):
        second.document(name, mail)
    assert first.digest() == second.digest() != ""
    assert second.counts == {"mail": 2}
    assert second.original(one, 0) == 0
    assert not PLACEHOLDERS.search(BLANK)
