"""`monitor report`: files that equal what commands print, and a page that is safe to pass on."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from selectolax.lexbor import LexborHTMLParser

from monitor.api import Monitor
from monitor.cli.app import cli
from monitor.config import Config
from monitor.errors import UsageError
from monitor.report.columns import columns
from monitor.report.csv import write_csv
from monitor.store.database import Database
from tests.world import (
    ACME,
    ANNOUNCED,
    OFFLINE,
    Store,
    a_poll,
    a_post,
    a_source,
    at,
    configured,
    filled,
)

FILES = {"series", "summary", "top", "counters", "gaps", "posts", "columns"}
SECOND = ACME.partition("[[event]]")[2].replace("acme-a", "acme-b").replace("-02-12", "-02-20")
TWO = f"{ACME}[[event]]{SECOND}{OFFLINE}"
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> </style></svg> \u202egnp.exe\x00 "
    "{{ 7*7 }} & \"quoted\" 'too' "
) + "long " * 400


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = configured(tmp_path, TWO)
    filled(made)
    return made


@pytest.fixture
def monitor(config: Config) -> Iterator[Monitor]:
    with Monitor(config) as opened:
        yield opened


def printed(data: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    write_csv(data, stream)
    return stream.getvalue()


def page(folder: Path) -> LexborHTMLParser:
    return LexborHTMLParser((folder / "index.html").read_text("utf8"))


def test_the_files_hold_what_the_commands_print(monitor: Monitor, tmp_path: Path) -> None:
    monitor.report("acme-a", tmp_path / "r", bucket="6h")
    assert {path.stem for path in (tmp_path / "r").glob("*.csv")} == FILES

    def content(name: str) -> bytes:
        return (tmp_path / "r" / f"{name}.csv").read_bytes()

    assert content("series") == printed(monitor.series("acme-a", bucket="6h"))
    assert content("summary") == printed(monitor.summary("acme-a"))
    assert content("gaps") == printed(monitor.gaps("acme-a"))
    top = pl.read_csv(io.BytesIO(content("top")), infer_schema=False).drop("event_id")
    assert top.write_csv() == pl.read_csv(
        io.BytesIO(printed(monitor.top("acme-a", 100))), infer_schema=False
    ).write_csv()  # fmt: skip


def test_the_manifest_counts_what_sql_counts_and_its_statements_run(
    monitor: Monitor, tmp_path: Path
) -> None:
    manifest = monitor.report(None, tmp_path / "r")
    assert manifest == json.loads((tmp_path / "r" / "manifest.json").read_text("utf8"))
    assert manifest["events"] == ["acme-a", "acme-b"]
    for file in manifest["files"].values():
        raw = (tmp_path / "r" / file["path"]).read_bytes()
        assert hashlib.sha256(raw).hexdigest() == file["sha256"]
        assert len(raw) == file["bytes"]
        if "query" in file:
            rows = list(csv.reader(raw.decode().splitlines()))
            assert monitor.query(file["query"]).height == file["rows"] == len(rows) - 1


def test_the_same_data_gives_the_same_bytes(config: Config, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        with Monitor(config) as opened:
            opened.report(None, folder, tz="Asia/Kolkata")
    one, two = ({p.name: p.read_bytes() for p in sorted(folder.iterdir())} for folder in folders)
    assert one == two
    assert set(one) == {f"{name}.csv" for name in FILES} | {"manifest.json", "index.html"}


def test_every_column_is_explained_and_none_that_is_not_there(
    monitor: Monitor, tmp_path: Path
) -> None:
    monitor.report("acme-a", tmp_path / "r")
    told: dict[str, list[str]] = {}
    for column in columns():
        told.setdefault(column.file, []).append(column.column)
        assert column.meaning
        assert column.type in {"text", "number", "whole", "moment", "yes-no", "JSON"}
    there = {
        path.name: path.read_text("utf8").splitlines()[0].split(",")
        for path in (tmp_path / "r").glob("*.csv")
    }
    assert told == there


def test_an_earlier_report_is_replaced_and_nothing_else(monitor: Monitor, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    monitor.report("acme-a", folder)
    (folder / "notes.txt").write_text("mine")
    monitor.report("acme-b", folder)
    assert json.loads((folder / "manifest.json").read_text())["events"] == ["acme-b"]
    assert (folder / "notes.txt").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.doc").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.doc.*--force"):
        monitor.report("acme-a", other)
    assert [path.name for path in other.iterdir()] == ["thesis.doc"]
    monitor.export(tmp_path / "export")
    with pytest.raises(UsageError, match="no earlier report"):
        monitor.report("acme-a", tmp_path / "export")
    with pytest.raises(UsageError, match="nothing-there"):
        monitor.report("nothing-there", tmp_path / "r2")


def hostile(config: Config) -> None:
    path = config.monitor.data_dir / "monitor.duckdb"
    with Database.open(path) as database:
        store = Store(database, config, [a_source()])
        store.commit(
            a_poll([
                a_post(
                    "evil", text=HOSTILE, reply_to_id=ANNOUNCED, author_handle="<b>\u202eevil",
                    url="javascript:alert(1)", title="<script>", claimed_at=at(1),
                ),
                a_post("fine", text="fine", reply_to_id=ANNOUNCED, url="https://x.example/\"'><i>"),
            ], when=at(3))
        )  # fmt: skip
        store.writer.close()


def test_the_page_runs_nothing_and_asks_nobody(config: Config, tmp_path: Path) -> None:
    hostile(config)
    with Monitor(config) as opened:
        opened.report("acme-a", tmp_path / "r")
    text = (tmp_path / "r" / "index.html").read_text("utf8")
    tree = page(tmp_path / "r")
    assert tree.css("script, img, iframe, object, embed, link, form, base, i:not(.key)") == []
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "{{ 7*7 }}" in tree.text()
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "style", "data")
            if name == "href":
                assert re.match(r"https?://|[a-z]+\.csv$|index\.html$|#unseen-\d+$", value or "")
    policy = tree.css_first("meta[http-equiv]").attributes["content"] or ""
    style = tree.css_first("style").text(strip=False)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert digest in policy
    assert len(tree.css_first("blockquote").text()) <= 301  # what may be quoted


def test_a_hole_never_looks_like_a_zero(config: Config, tmp_path: Path) -> None:
    with Monitor(config) as opened:
        opened.report("acme-a", tmp_path / "r")
        rows = opened.series("acme-a", bucket="1h")
    unseen = rows.filter(pl.col("posts").is_null() & (pl.col("flag").str.contains("not_observed")))
    tree = page(tmp_path / "r")
    assert unseen.height
    assert tree.css("svg .hole")
    assert "hatched: not observed" in tree.text()
    assert "not_yet_watched" in tree.css_first(".unseen").text()


def test_before_the_first_poll_the_page_says_that_nothing_is_known(tmp_path: Path) -> None:
    config = configured(tmp_path, TWO)
    with Database.open(None) as database, Monitor(config) as opened:
        database.close()
        result = CliRunner().invoke(
            cli, ["--config", str(config.path), "run", "--once"], catch_exceptions=False
        )
        assert result.exit_code in (0, 1)
        opened.report("acme-b", tmp_path / "r")
    assert page(tmp_path / "r").css_first("h1").text() == "acme-b"


def test_the_command_takes_several_events(config: Config, tmp_path: Path) -> None:
    where = ["--config", str(config.path), "report"]
    both = CliRunner().invoke(cli, [*where, "acme-a", "acme-b", "-o", str(tmp_path / "r")])
    assert both.exit_code == 0, both.output
    assert both.stdout == ""
    assert "2 events" in both.stderr
    assert len(page(tmp_path / "r").css("article")) == 2
    assert CliRunner().invoke(cli, [*where, "-o", str(tmp_path / "x")]).exit_code == 2
