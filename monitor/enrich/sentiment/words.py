"""Words that turn or weigh the mood of the words after them, by language."""

from __future__ import annotations

__all__ = ["INTENSIFIERS", "NEGATIONS"]


def _sets(words: dict[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(line.split()) for language, line in words.items()}


NEGATIONS = _sets(
    {
        "ar": "لا ليس لم لن ليست مش مو ما بدون غير بلا ولا وليس",
        "de": (
            "nicht kein keine keinen keinem keiner keines nie niemals ohne nichts weder nich ned"
        ),
        "en": (
            "not no never none nobody nothing without neither nor cannot can't cant don't dont "
            "doesn't doesnt didn't didnt isn't isnt aren't arent wasn't wasnt weren't won't wont "
            "wouldn't shouldn't couldn't ain't aint hasn't haven't hadn't hardly barely"
        ),
        "es": "no nunca jamás ni sin nada nadie tampoco ningún ninguna ninguno",
        "fr": "ne pas jamais sans aucun aucune ni rien n'est plus personne c'est_pas",
        "hi": "नहीं मत ना न बिना nahi nahin nhi mat na nai",
        "it": "non mai senza nessun nessuno nessuna niente nulla né neanche",
        "nl": "niet geen nooit zonder niets noch niemand",
        "pl": "nie nigdy bez nic żaden żadna ani nikt",
        "pt": "não nao nunca jamais sem nem nada ninguém nenhum nenhuma n",
        "ru": "не нет никогда без ничего ни нельзя",
        "tr": "değil degil yok asla hiç hiçbir",
        "uk": "не ні ніколи без нічого жоден",
    }
)
INTENSIFIERS = _sets(
    {
        "ar": "جدا للغايه كثيرا والله",
        "de": "sehr so echt total wirklich extrem absolut unglaublich voll richtig",
        "en": "very so really extremely absolutely totally completely incredibly super fucking too",
        "es": "muy tan super súper totalmente realmente demasiado increíblemente más",
        "fr": "très trop tellement vraiment super si totalement extrêmement",
        "hi": "बहुत अत्यंत bahut bohot bhot",
        "it": "molto troppo davvero veramente super così tanto estremamente",
        "nl": "heel zeer erg echt super zo",
        "pl": "bardzo tak naprawdę strasznie super",
        "pt": "muito mto tão demais super realmente extremamente",
        "ru": "очень так слишком супер крайне",
        "tr": "çok gerçekten aşırı en",
        "uk": "дуже так надто",
    }
)
