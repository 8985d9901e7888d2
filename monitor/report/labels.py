"""Hand labels: as files for spreadsheets, and how far people agree."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import combinations
from pathlib import Path

import polars as pl

from monitor.analyse.audit import agreement
from monitor.durations import parse_time
from monitor.errors import UsageError
from monitor.store.labels import Label

__all__ = ["MODEL", "agreements", "read_labels"]

MODEL = "model"
"""The name of the series' model among those who label."""

_YES, _NO = {"yes", "y", "true", "1"}, {"no", "n", "false", "0"}


def read_labels(path: Path, by: str, now: datetime) -> list[Label]:
    """The labels of a CSV file: `post_id`, `label`, `relevant` (yes or no); rows without are none.

    Args:
        by: who labelled them, where the file has no `labelled_by`.
        now: what times such as 2d in `labelled_at` count from.

    Raises:
        UsageError: what is wrong, with the number of the row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: can't be read: {error}") from error
    if rows and "post_id" not in rows[0]:
        raise UsageError(f"{path}: no column post_id; there are {', '.join(rows[0])}")
    labels = []
    for number, row in enumerate(rows, 2):
        label = (row.get("label") or "").strip().lower() or None
        try:
            relevant, at = _yes(row.get("relevant")), (row.get("labelled_at") or "").strip()
            moment = parse_time(at, now) if at else None
        except UsageError as error:
            raise UsageError(f"{path}: row {number}: {error}") from None
        if label is not None or relevant is not None:
            who = (row.get("labelled_by") or "").strip() or by
            labels.append(Label((row["post_id"] or "").strip(), who, label, relevant, moment))
    return labels


def _yes(text: str | None) -> bool | None:
    given = (text or "").strip().lower()
    if not given:
        return None
    if given not in _YES | _NO:
        raise UsageError(f'relevant "{given}": write yes or no')
    return given in _YES


def agreements(said: pl.DataFrame) -> pl.DataFrame:
    """A row a pair of labellers and question; the model is one of them.

    Args:
        said: `post_key`, `labelled_by`, `label`, `relevant`, `model_label`.
    """
    words: dict[str, dict[str, dict[int, str]]] = {"mood": {}, "relevant": {}}
    for key, by, label, relevant, model in said.rows():
        for question, who, word in (
            ("mood", by, label), ("mood", MODEL, model),
            ("relevant", by, None if relevant is None else str(relevant)),
        ):  # fmt: skip
            if word is not None:
                words[question].setdefault(who, {})[key] = word
    rows = []
    for question, people in words.items():
        for one, other in combinations(sorted(people, key=lambda who: (who == MODEL, who)), 2):
            both = sorted(people[one].keys() & people[other].keys())
            pairs = [(people[one][key], people[other][key]) for key in both]
            found = agreement(pairs)
            same = sum(a == b for a, b in pairs) / len(pairs) if pairs else None
            rows.append((question, one, other, len(pairs), same, found.value, found.flag or None))
    schema = {
        "question": pl.String, "first": pl.String, "second": pl.String, "posts": pl.Int64,
        "agreement": pl.Float64, "kappa": pl.Float64, "flag": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")
