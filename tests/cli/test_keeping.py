"""Commands on the data as a whole: export, exclude."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monitor.errors import UsageError


def test_export_writes_what_sql_counts(run: Any, session: Any, tmp_path: Path) -> None:
    result = run("export", "-o", str(tmp_path / "out"))
    assert (result.exit_code, result.stdout) == (0, "")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["data_as_of_utc"] == "2026-02-13T11:00:00Z"
    for name, table in manifest["tables"].items():
        assert table["rows"] == session.query(f"select count(*) from {name}").item(), name


def test_export_of_an_empty_store_has_every_table(run: Any, empty: Any, tmp_path: Path) -> None:
    assert run("export", "-o", str(tmp_path), "--format", "parquet", on=empty).exit_code == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["data_as_of_utc"] is None
    assert {table["rows"] for table in manifest["tables"].values()} == {0}
    assert len(list(tmp_path.glob("*/part-0.parquet"))) == 22


def test_exclude_takes_ids_and_urls(run: Any, session: Any) -> None:
    result = run("exclude", "acme-a", "built:1", "https://example.org/post/2")
    assert (result.exit_code, result.stdout) == (0, "")
    run("exclude", "acme-a", "built:1", "--undo")
    assert session.called == [
        ("exclude", {"event": "acme-a", "posts": ["built:1", "built:2"], "undo": False}),
        ("exclude", {"event": "acme-a", "posts": ["built:1"], "undo": True}),
    ]


def test_exclude_from_an_unknown_event_changes_nothing(run: Any, session: Any) -> None:
    assert isinstance(run("exclude", "acme-x", "built:1").exception, UsageError)
    assert session.called == []
