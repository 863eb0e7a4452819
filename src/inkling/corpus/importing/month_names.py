"""Names of months, and marks of morning and afternoon, in the languages exports come in.

Names follow the Unicode CLDR: full names, genitive where dates use it, and abbreviations.
"""

from __future__ import annotations

# One line a language; alternatives of a month are joined by "/".
_NAMES = (
    "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug "
    "september/sep/sept october/oct november/nov december/dec",
    "januar/jänner/jan februar/feb märz/mär april/apr mai juni/jun juli/jul august/aug "
    "september/sept oktober/okt november/nov dezember/dez",
    "janvier/janv février/févr mars avril/avr mai juin juillet/juil août septembre/sept "
    "octobre/oct novembre/nov décembre/déc",
    "enero/ene febrero/feb marzo/mar abril/abr mayo/may junio/jun julio/jul agosto/ago "
    "septiembre/setiembre/sept/sep octubre/oct noviembre/nov diciembre/dic",
    "gennaio/gen febbraio/feb marzo/mar aprile/apr maggio/mag giugno/giu luglio/lug "
    "agosto/ago settembre/set ottobre/ott novembre/nov dicembre/dic",
    "janeiro/jan fevereiro/fev março/mar abril/abr maio/mai junho/jun julho/jul agosto/ago "
    "setembro/set outubro/out novembro/nov dezembro/dez",
    "januari/jan februari/feb maart/mrt april/apr mei juni/jun juli/jul augustus/aug "
    "september/sep oktober/okt november/nov december/dec",
    "januari/jan februari/feb mars april/apr maj juni/jun juli/jul augusti/aug "
    "september/sep oktober/okt november/nov december/dec",
    "januar/jan februar/feb marts/mar april/apr maj juni/jun juli/jul august/aug "
    "september/sep oktober/okt november/nov december/dec",
    "januar/jan februar/feb mars april/apr mai juni/jun juli/jul august/aug "
    "september/sep oktober/okt november/nov desember/des",
    "tammikuuta/tammikuu helmikuuta/helmikuu maaliskuuta/maaliskuu huhtikuuta/huhtikuu "
    "toukokuuta/toukokuu kesäkuuta/kesäkuu heinäkuuta/heinäkuu elokuuta/elokuu "
    "syyskuuta/syyskuu lokakuuta/lokakuu marraskuuta/marraskuu joulukuuta/joulukuu",
    "stycznia/styczeń/sty lutego/luty/lut marca/marzec/mar kwietnia/kwiecień/kwi maja/maj "
    "czerwca/czerwiec/cze lipca/lipiec/lip sierpnia/sierpień/sie września/wrzesień/wrz "
    "października/październik/paź listopada/lis grudnia/grudzień/gru",
    "ledna/leden/led února/únor/úno března/březen/bře dubna/duben/dub května/květen/kvě "
    "června/červen/čvn července/červenec/čvc srpna/srpen/srp září/zář října/říjen/říj "
    "listopad/listopadu prosince/prosinec/pro",
    "января/январь/янв февраля/февраль/февр марта/март/мар апреля/апрель/апр мая/май "
    "июня/июнь/июн июля/июль/июл августа/август/авг сентября/сентябрь/сент "
    "октября/октябрь/окт ноября/ноябрь/нояб декабря/декабрь/дек",
    "січня/січень/січ лютого/лютий/лют березня/березень/бер квітня/квітень/квіт "
    "травня/травень/трав червня/червень/черв липня/липень/лип серпня/серпень/серп "
    "вересня/вересень/вер жовтня/жовтень/жовт листопада/листопад/лист грудня/грудень/груд",
    "ocak/oca şubat/şub mart/mar nisan/nis mayıs/may haziran/haz temmuz/tem ağustos/ağu "
    "eylül/eyl ekim/eki kasım/kas aralık/ara",
    "január/jan február/febr március/márc április/ápr május/máj június/jún július/júl "
    "augusztus/aug szeptember/szept október/okt november/nov december/dec",
    "ianuarie/ian februarie/feb martie/mar aprilie/apr mai iunie/iun iulie/iul august/aug "
    "septembrie/sept octombrie/oct noiembrie/noi decembrie/dec",
    "januari/jan februari/feb maret/mar april/apr mei juni/jun juli/jul agustus/agu "
    "september/sep oktober/okt november/nov desember/des",
    "ιανουαρίου/ιαν φεβρουαρίου/φεβ μαρτίου/μαρ απριλίου/απρ μαΐου/μαΐ ιουνίου/ιουν "
    "ιουλίου/ιουλ αυγούστου/αυγ σεπτεμβρίου/σεπ οκτωβρίου/οκτ νοεμβρίου/νοε δεκεμβρίου/δεκ",
)


def _table() -> dict[str, int]:
    months: dict[str, int] = {}
    for language in _NAMES:
        for number, names in enumerate(language.split(), start=1):
            for name in names.split("/"):
                # `listopad` is October in Croatian and November in Czech and Polish; the
                # languages above come first.
                months.setdefault(name.casefold(), number)
    return months


MONTHS = _table()

AFTERNOON = ("pm", "μμ", "öös", "ös", "午後", "下午", "晚上", "오후", "หลังเที่ยง", "م")
MORNING = ("am", "πμ", "öö", "午前", "上午", "凌晨", "오전", "ก่อนเที่ยง", "ص")
