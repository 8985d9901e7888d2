"""Which companies a post names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.config import Company
from monitor.enrich.words import Phrase, fold

__all__ = ["Names"]


class Names:
    """The names, aliases, handles and exclusions of companies, ready to be looked for.

    A post names a company if the name, an alias or `@handle` stands in it as whole words (see
    `monitor.enrich.words`) and none of the company's exclusions does: a post that matches one is
    not about the company, whatever else it says.
    """

    def __init__(self, companies: Iterable[Company]) -> None:
        self._companies = [
            (
                company.id,
                _phrases((company.name, *company.aliases, *_handles(company.accounts))),
                _phrases(company.exclude),
            )
            for company in companies
        ]

    def companies_in(self, text: str) -> frozenset[str]:
        """The ids of the companies that `text` (title and text of a post) names."""
        folded = fold(text)
        return frozenset(
            company_id
            for company_id, names, excluded in self._companies
            if _any_in(names, folded) and not _any_in(excluded, folded)
        )


def _handles(accounts: Iterable[str]) -> Iterator[str]:
    """`@handle` of each account: who addresses the company names it."""
    for account in accounts:
        name = account.partition(":")[2].lstrip("@")
        if not name.startswith("did:"):
            yield "@" + name


def _phrases(texts: Iterable[str]) -> tuple[Phrase, ...]:
    phrases = dict.fromkeys(Phrase.of(text) for text in texts)
    return tuple(phrase for phrase in phrases if phrase.text)


def _any_in(phrases: tuple[Phrase, ...], folded: str) -> bool:
    return any(phrase.found_in(folded) for phrase in phrases)
