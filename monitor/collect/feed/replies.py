"""The sentence that WordPress puts before an answer in its RSS comment feeds."""

from __future__ import annotations

import re

__all__ = ["split_reply"]

# In the languages in which it is seen most; in others it stays part of the text.
_SENTENCES = (
    "In reply to",
    "Als Antwort auf",
    "Antwort auf",
    "En réponse à",
    "En respuesta a",
    "En respuesta de",
    "Em resposta a",
    "Em resposta para",
    "In risposta a",
    "In antwoord op",
    "Als reactie op",
    "Som svar på",
    "Som svar til",
    "W odpowiedzi na",
    "V odpovědi na",
    "В ответ на",  # noqa: RUF001 - these letters are Cyrillic on purpose
)
_REPLY = re.compile(
    rf"\s*(?:<p>\s*)?(?:{'|'.join(map(re.escape, _SENTENCES))})\s*"
    r"<a\s[^<>]{0,200}?href=([\"'])([^\"'<>]{1,2000}#comment-[0-9]{1,19})\1[^<>]{0,200}>"
    r"[^<>]{0,300}</a>\s*\.?\s*(?:</p>|<br\s*/?>)?\s*",
    re.IGNORECASE,
)


def split_reply(html: str | None) -> tuple[str | None, str | None]:
    """The address of the comment that `html` says it answers, and `html` without that sentence.

    >>> split_reply('<p>In reply to <a href="http://h/#comment-5">Maria</a>.</p><p>No.</p>')
    ('http://h/#comment-5', '<p>No.</p>')
    """
    found = _REPLY.match(html) if html else None
    if found is None or html is None:
        return None, html
    return found[2].replace("&#038;", "&").replace("&amp;", "&"), html[found.end() :]
