"""What mail programs write around a person's words, in the languages they come in.

The strings are the ones that Gmail, Outlook, Apple Mail and Thunderbird show. All are in lower
case.
"""

from __future__ import annotations


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(",") if part.strip())


REPLY_PREFIXES = frozenset(
    _listed(
        """
    antw, antwort, atb, aw, bal, bls, odp, odpověď, r, re, ref,
    res, resp, rif, rv, sv, vs, vá, yan, ynt, να, σχετ, отв,
    ответ, 回复, 回覆, 答复, 答覆, 返信, 회신
    """
    )
)
"""Before the subject of an answer."""

FORWARD_PREFIXES = frozenset(
    _listed(
        """
    doorst, enc, fs, fw, fwd, i, ilt, pd, rv, tr, trs, vb, vl, vs,
    wg, wtr, πρθ, пер, пересл, 転送, 轉寄, 转发, 전달
    """
    )
)
"""Before the subject of a mail that is passed on."""

WROTE = _listed(
    """
    wrote, writes, schrieb, a écrit, escribió, ha scritto,
    scritto, escreveu, schreef, skrev, napisał, napsal, yazdı,
    şunu yazdı, írta, a scris, написал, пишет, написав, пише,
    kirjoitti, έγραψε, menulis, đã viết, 写道, 寫道, のメール, 님이 작성,
    เขียน, כתב, كتب
    """
)
"""Who wrote what is quoted below; the line ends with a colon."""

FROM_FIELDS = frozenset(
    _listed(
        """
    afzender, da, dari, de, expéditeur, feladó, fra, from, från,
    kimden, lähettäjä, mittente, od, remitente, van, von, από,
    від, от, 发件人, 寄件者, 差出人, 보낸사람
    """
    )
)
"""The first field of the block that Outlook and forwards put above what they repeat, without
spaces."""

OTHER_FIELDS = frozenset(
    _listed(
        """
    a, aan, aihe, an, assunto, asunto, bcc, betreff, cc, címzett,
    data, date, datum, do, el, elküldve, emne, enviada, enviado,
    envoyé, gesendet, gönderilen, inviato, kime, komu, konu,
    kopie, lähetetty, objet, odesláno, oggetto, onderwerp, para,
    päivämäärä, předmět, reply-to, sendt, sent, skickat, subject,
    tarih, temat, til, till, to, tárgy, vastaanottaja, verzonden,
    wysłano, à, ämne, θέμα, προς, στάλθηκε, дата, кому, копия,
    надіслано, отправлено, тема, 主旨, 主题, 件名, 发送时间, 宛先, 寄件日期, 收件人,
    收件者, 日期, 送信日時, 받는사람, 보낸날짜, 제목
    """
    )
)
"""The other fields of that block."""

REPEATED = _listed(
    """
    original message, forwarded message, begin forwarded message,
    originalnachricht, ursprüngliche nachricht, weitergeleitete
    nachricht, anfang der weitergeleiteten, message d'origine,
    message original, message transféré, début du message
    transféré, mensaje original, mensaje reenviado, inicio del
    mensaje reenviado, mensagem original, mensagem encaminhada,
    messaggio originale, messaggio inoltrato, inizio messaggio
    inoltrato, oorspronkelijk bericht, doorgestuurd bericht, begin
    doorgestuurd bericht, ursprungligt meddelande, vidarebefordrat
    meddelande, oprindelig meddelelse, videresendt, opprinnelig
    melding, oryginalna wiadomość, wiadomość oryginalna,
    przekazana wiadomość, původní zpráva, přeposlaná zpráva,
    исходное сообщение, пересылаемое сообщение, пересланное
    сообщение, özgün ileti, yönlendirilen ileti, alkuperäinen
    viesti, välitetty viesti, eredeti üzenet, továbbított üzenet,
    原始邮件, 转发的邮件, 原始郵件, 元のメッセージ, 転送メッセージ, 원본 메시지, 전달된 메시지
    """
)
"""Headlines above a mail that is repeated below; they stand between dashes or end in a colon."""

FOOTERS = _listed(
    """
    sent from my, sent from mail for, get outlook for, sent from
    outlook, sent from yahoo mail, sent from proton mail, gesendet
    von mein, envoyé de mon, envoyé depuis mon, envoyé à partir
    de, enviado desde mi, enviado do meu, enviado de mi, enviado a
    partir do, inviato da iphone, inviato dal mio, inviato da
    outlook, verstuurd vanaf mijn, verzonden vanaf mijn, skickat
    från min, sendt fra min, iphone'umdan gönderildi, 从我的,
    iphoneから送信, 나의 iphone에서 보냄, sent with proton, gesendet mit
    der, gesendet mit proton, von meinem iphone, von meinem ipad,
    von meinem mobil, wysłane z mojego, wysłane z iphone, odesláno
    z iphone, odesláno z mého, отправлено с iphone, отправлено из
    мобильной, отправлено с моего, lähetetty iphonesta, lähetetty
    puhelimesta
    """
)
"""Beginnings of the last line that phones add."""

AUTOMATIC = _listed(
    """
    automatic reply, auto reply, auto-reply, autoreply, out of
    office, automatische antwort, abwesenheitsnotiz, abwesenheit:,
    réponse automatique, absence du bureau, respuesta automática,
    fuera de la oficina, risposta automatica, fuori sede, resposta
    automática, automatisch antwoord, autosvar, automatiskt svar,
    automatisk svar, autoodpowiedź, odpowiedź automatyczna,
    automatická odpověď, автоматический ответ, автоответ, otomatik
    yanıt, automaattinen vastaus, automatikus válasz, 自动回复, 自動回覆,
    自動応答, 자동 회신
    """
)
"""Beginnings of the subject of replies that nobody wrote."""

SENT = frozenset(
    _listed(
        """
    e-mails enviados, elementos enviados, elementy wysłane,
    elküldött elemek, elküldött levelek, enviadas, enviados,
    envoyes, envoyés, gesendet, gesendete elemente, gesendete
    nachrichten, gesendete objekte, gönderilenler, gönderilmiş
    postalar, gönderilmiş öğeler, inviata, inviati, itens
    enviados, lähetetyt, mensagens enviadas, mensajes enviados,
    mesaje trimise, messages envoyés, odeslaná pošta, odeslané,
    posta inviata, sendt, sendt post, sendte, sendte elementer,
    sent, sent items, sent mail, sent messages, skickade, skickade
    objekt, skickat, terkirim, trimise, verzonden, verzonden
    berichten, verzonden items, wysłane, éléments envoyés,
    απεσταλμένα, надіслані, отправленные, 寄件備份, 已发送, 已发邮件, 送信済み,
    送信済みメール, 보낸편지함
    """
    )
)
"""Names of the folder or label of what one sent."""

DRAFTS = frozenset(
    _listed(
        """
    borrador, borradores, bozze, brouillons, concepten, draft,
    drafts, entwurf, entwürfe, kladder, koncepty, luonnokset,
    piszkozatok, rascunhos, taslaklar, utkast, wersje robocze,
    чернетки, черновики, 下書き, 草稿, 임시보관함
    """
    )
)
"""Names of the folder or label of what one has not sent."""

CHATS = frozenset(
    _listed(
        """
    chat, chats
    """
    )
)
"""The label of Hangouts conversations in a mailbox: both sides stand in one message."""
