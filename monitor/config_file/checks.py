"""What no value shows by itself: ids that occur twice, names of things that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from monitor.collect.registry import KNOWN_NETWORKS
from monitor.config_file import places
from monitor.config_file.values import Place, did_you_mean, shown

__all__ = ["check"]

_BUDGETS = ("posts_per_day", "money_per_day")
_RESERVED = ("import",)  # the source of everything that comes in by import
_SLIP = 0.85

Found = Mapping[str, Any]


def check(found: Found, place: Place) -> None:
    """Report what does not fit together in the tables of a configuration."""
    for kind in ("company", "actor", "event", "source"):
        _no_id_twice(found.get(kind, ()), place.under(kind))
    companies = [c["id"] for c in found.get("company", ()) if "id" in c]
    all_known = len(companies) == len(found.get("company", ()))  # else one may be the one meant
    for n, company in enumerate(found.get("company", ())):
        _own_name_not_excluded(company, place.under("company").under(n))
    for n, actor in enumerate(found.get("actor", ())):
        _roles_spelt_right(actor, companies, place.under("actor").under(n))
    for n, event in enumerate(found.get("event", ()) if all_known else ()):
        _company_is_there(event, companies, place.under("event").under(n))
    for n, source in enumerate(found.get("source", ())):
        _can_be_polled(source, place.under("source").under(n))
    for name, settings in found.get("network", {}).items():
        _has_budgets(name, settings, place.under("network").under(name))


def _no_id_twice(tables: list[Found], place: Place) -> None:
    seen: dict[str, int] = {}
    for n, table in enumerate(tables):
        if "id" not in table:
            continue
        first = seen.setdefault(table["id"].casefold(), n)
        if first != n:
            name = place.path[-1]
            why = (
                "" if tables[first]["id"] == table["id"] else " (ids must differ by more than case)"
            )
            place.under(n).under("id").wrong(
                f"{shown(table['id'])} is already the id of {name}[{first}]{why}"
            )


def _own_name_not_excluded(company: Found, place: Place) -> None:
    names = {str(n).casefold() for n in (company.get("name", ""), *company.get("aliases", ()))}
    for phrase in company.get("exclude", ()):
        if phrase.casefold() in names:
            place.under("exclude").wrong(
                f"{shown(phrase)} is a name of the company itself: every post with it would be lost"
            )


def _roles_spelt_right(actor: Found, companies: list[str], place: Place) -> None:
    """A role may name a company that is not watched, but not a slip of one that is."""
    for company in actor.get("roles", {}):
        if company not in companies and (near := did_you_mean(company, companies, _SLIP)):
            place.under("roles").under(company).wrong(
                f"there is no company {shown(company)}{near} Otherwise add it as a [[company]]"
            )


def _company_is_there(event: Found, companies: list[str], place: Place) -> None:
    company = event.get("company")
    if company is not None and company not in companies:
        known = f"; there are {', '.join(companies[:20])}" if companies else "; add a [[company]]"
        place.under("company").wrong(
            f"there is no company {shown(company)}{did_you_mean(company, companies) or known}"
        )


def _can_be_polled(source: Found, place: Place) -> None:
    if source.get("id") in _RESERVED:
        place.under("id").wrong(f"{shown(source['id'])} is taken by monitor itself; choose another")
    if "network" in source and "target" in source:
        place.under("target").read(partial(places.target, source["network"]), source["target"])


def _has_budgets(name: str, settings: Found, place: Place) -> None:
    """Only what costs money has a budget: a key without effect would promise one."""
    if name in KNOWN_NETWORKS and name != "x":
        for key in _BUDGETS:
            if key in settings:
                place.under(key).wrong(
                    "has no effect here: only network.x has a budget; take it out"
                )
