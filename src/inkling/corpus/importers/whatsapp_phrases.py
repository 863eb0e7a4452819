"""The words by which WhatsApp's own lines are known, in the languages it speaks.

Knows: whole notices, and parts of words. Does not know: where in a message they stand.
Deleted messages need whole phrases: who "deleted this message" as "you" is the person who
exported the chat.
"""

from __future__ import annotations

_DELETED_BY_ME = (
    "Jy het boodskap uitgevee|أنت حذفت هذه الرسالة|Siz bu ismarıcı sildiniz|"
    "Изтрихте това съобщение|আপনি এই বার্তাটি মুছে ফেলেছেন|Has esborrat aquest missatge|"
    "Tuto zprávu jste odstranil/a|Du slettede denne besked|Du hast diese Nachricht gelöscht|"
    "Διαγράψατε αυτό το μήνυμα|Eliminaste este mensaje|Kustutasid selle sõnumi|"
    "شما این پیام را حذف کردید|Poistit tämän viestin|Vous avez supprimé ce message|"
    "તમે આ સંદેશને રદ્દ કર્યો|מחקת הודעה זו|आपने यह संदेश मिटाया|Izbrisali ste ovu poruku|"
    "Törölted ezt az üzenetet|Anda telah menghapus pesan ini|Hai eliminato questo messaggio|"
    "このメッセージを削除しました|Сіз бұл хатты жойдыңыз|ನೀವು ಈ ಸಂದೇಶವನ್ನು ಅಳಿಸಿದ್ದೀರಿ|삭제한 메시지입니다|"
    "Jūs ištrynėte šią žinutę|Jūs izdzēsāt šo ziņu|Ја избриша оваа порака|"
    "ഈ സന്ദേശം നിങ്ങൾ ഇല്ലാതാക്കി|आपण हा संदेश हटविलात|Anda telah memadamkan mesej ini|"
    "Du slettet denne meldingen|U hebt dit bericht verwijderd|ਤੁਸੀਂ ਇਹ ਸੁਨੇਹਾ ਹਟਾਇਆ|"
    "Usunąłeś(aś) tę wiadomość|Você apagou esta mensagem|Ați șters acest mesaj|"
    "Вы удалили данное сообщение|Túto správu ste odstránili|To sporočilo ste izbrisali|"
    "Обрисао/ла си ову поруку|Du raderade detta meddelande|Umefuta ujumbe huu|"
    "இத்தகவலை தாங்கள் அழித்தீர்கள்|คุณลบข้อความนี้|Binura mo itong mensahe|Bu mesajı sildiniz|"
    "Ви видалили це повідомлення|آپ نے اس پیغام کو حذف کیا|Siz ushbu xabarni o‘chirdingiz|"
    "Bạn đã xoá tin nhắn này|您删除这个信息|您已刪除此訊息|You deleted this message|"
    "Você apagou essa mensagem|Apagou esta mensagem|Je hebt dit bericht verwijderd|"
    "U heeft dit bericht verwijderd|Usunięto tę wiadomość|Has eliminado este mensaje|"
    "Вы удалили это сообщение|你已刪除此訊息|您已删除此消息|你删除了这条消息|"
    "You deleted this message as admin|"
    "Odstranili jste tuto zprávu"
)

_DELETED = (
    "Hierdie boodskap was uitgevee|تم حذف هذه الرسالة|Bu ismarıc silindi|"
    "Съобщението беше изтрито|এই বার্তাটি মুছে ফেলা হয়েছে|Aquest missatge està esborrat|"
    "Tato zpráva byla odstraněna|Denne besked blev slettet|Diese Nachricht wurde gelöscht|"
    "Αυτό το μήνυμα διαγράφηκε|Este mensaje fue eliminado|See sõnum on kustutatud|"
    "این پیام حذف شد|Tämä viesti poistettiin|Ce message a été supprimé|આ સંદેશ રદ્દ કરાયો|"
    "הודעה זו נמחקה|यह संदेश मिटाया गया|Ova poruka je izbrisana|Ez az üzenet törlésre került|"
    "Pesan ini telah dihapus|Questo messaggio è stato eliminato|このメッセージは削除されました|"
    "Бұл хат жойылды|ಈ ಸಂದೇಶವು ಅಳಿಸಲ್ಪಟ್ಟಿದೆ|이 메시지는 삭제되었습니다|Ši žinutė buvo ištrinta|"
    "Šī ziņa tika izdzēsta|Оваа порака беше избришана|ഈ സന്ദേശം ഇല്ലാതാക്കിയതാണ്|"
    "हा संदेश हटविण्यात आला होता|Mesej ini telah dipadam|Denne meldingen ble slettet|"
    "Dit bericht is verwijderd|ਇਸ ਸੁਨੇਹੇ ਨੂੰ ਹਟਾਇਆ ਗਿਆ|Ta wiadomość została usunięta|"
    "Esta mensagem foi apagada|Esta mensagem foi apagada pelo remetente|"
    "Acest mesaj a fost șters|Данное сообщение удалено|Táto správa bola odstránená|"
    "To sporočilo je bilo izbrisano|Ова порука је обрисана|Detta meddelande raderades|"
    "Ujumbe huu ulifutwa|இத்தகவல் திரும்பப்பெறப்பட்டது|ข้อความนี้ได้ถูกลบ|"
    "Itong mensahe ay binura na|Bu mesaj silindi|Це повідомлення було видалено|"
    "یہ پیغام حذف کیا گیا|Ushbu xabar o‘chirildi|Tin nhắn này đã bị xoá|信息已删除|此訊息已刪除。|"
    "This message was deleted|Se eliminó este mensaje|Mensagem apagada|"
    "Essa mensagem foi apagada|Это сообщение удалено|Сообщение удалено|此消息已删除|此訊息已被刪除|"
    "Messaggio eliminato|Questo messaggio è stato eliminato dall'amministratore"
)


def _table(phrases: str) -> frozenset[str]:
    return frozenset(phrase.casefold() for phrase in phrases.split("|"))


def _words(words: str) -> tuple[str, ...]:
    return tuple(words.split())


BY_ME = _table(_DELETED_BY_ME)
BY_ANYONE = _table(_DELETED)
DELETED = BY_ME | BY_ANYONE
CALLS = _table(
    "Missed voice call|Missed video call|Missed group voice call|Missed group video call|"
    "Verpasster Sprachanruf|Verpasster Videoanruf|Llamada perdida|Videollamada perdida|"
    "Appel vocal manqué|Appel vidéo manqué|Chiamata vocale persa|Videochiamata persa|"
    "Chamada de voz perdida|Chamada de vídeo perdida|Ligação de voz perdida|"
    "Gemiste spraakoproep|Gemiste video-oproep|Пропущенный аудиозвонок|Пропущенный видеозвонок"
)
UNSEEN = _table(
    "null|Waiting for this message. This may take a while|Waiting for this message|"
    "live location shared|Live-Standort wird geteilt|ubicación en tiempo real compartida|"
    "Localisation en direct partagée|posizione attuale condivisa|localização atual compartilhada|"
    "live locatie gedeeld|Геоданные отправлены|geteilter Live-Standort"
)

# Parts of words for "media", "file", "omitted" in the bracket that stands for an attachment.
OMITTED_STEMS = _words(
    "media medie médi médié mídi multim omitid omess omis omitted udeladt weggelass "
    "weggelat ausgeschl utelämn utelat vedlegg vynech pominięt pliki archivo arquivo fichier "
    "ficheiro файл медиа медіа медиј πολυμέσ attached anhang adjunt joint allegat bijlage anexo "
    "вложен مرفق وسائط پیوست میڈیا מדיה קובץ मीडिया মিডিয়া મીડિયા ਮੀਡੀਆ ಮೀಡಿಯಾ മീഡിയ మాధ్యమ "
    "ஊடக สื่อ メディア 添付 미디어 첨부 媒体 媒體 附件 bỏ medya fayl walang ausgelass"
)
ATTACHED_STEMS = _words(
    "attach aangeheg مرفق əlavə прикач прикачен সংযুক্ত adjunt přilož vedhæft angehängt "
    "συνημμέν lisatud liitetied joint જોડાય מצורף अटैच privitk csatolv terlampir allegat 添付 "
    "қосымша ಸೇರಿಸ 첨부 prisegta pievienot ചേർത്ത संलग्न dilampir vedlagt bijgevoegd ਅਟੈਚ "
    "załącz anexad atașat добавлен прикреп pripojen prilože ngjitur bifoga limeambat జోడించ "
    "แนบ nakalakip ekli додано پیوست biriktiril đính 附件"
)
EDITED_STEMS = _words(
    "edit bearbeitet modifi bewerkt измен отредакт düzenle تعديل נערכ संपादित diedit "
    "edyt uprav redig redaktör szerkeszt muokat επεξεργ 編集 编辑 編輯 수정 แก้ไข chỉnh змінен "
    "відредаг editat uredi ویرایش"
)
BARE_OMITTED = _words(
    "omitted weggelassen ausgelassen omitida omitido omessa omesso omis absente manquant "
    "manquante weggelaten отсутствует відсутнє vynechán vynecháno revelada revelado ocultada "
    "ocultado edilmedi disertakan pominięte pominięty pominięto"
)
ENCRYPTED_PHRASES = tuple(
    _table(
        "end-to-end|ende-zu-ende|extremo a extremo|de bout en bout|сквозным|ponto a ponto|"
        "de ponta a ponta|uçtan uca|koncovým|наскрізним|端到端|端对端|端對端|エンドツーエンド|"
        "종단간|đầu cuối|ต้นทาง|टू-एंड|بين الطرفين|מקצה לקצה|mã hóa"
    )
)
FILE_ENDINGS = frozenset(
    _words(
        "pdf doc docx xls xlsx ppt pptx txt rtf csv odt ods odp zip rar 7z gz jpg jpeg png gif "
        "webp heic bmp tif tiff svg mp4 mov avi mkv 3gp mp3 m4a aac wav ogg opus vcf apk epub "
        "mobi htm html ics json xml kml gpx pages key numbers psd ai dwg exe py"
    )
)
