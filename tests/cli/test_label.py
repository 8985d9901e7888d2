"""Labels by hand: the sample, keys in a terminal, CSV both ways, agreement, what follows."""

from __future__ import annotations

import csv
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from monitor.api import Monitor
from monitor.config import Config
from monitor.errors import UsageError
from monitor.session import DATABASE
from monitor.store.labels import Label
from tests.world import ACME, OFFLINE, command, configured

SECOND = """
[[event]]
id = "acme-b"
company = "acme"
announced_at = 2026-03-12T20:00:00Z
"""


def configured_in(folder: Path) -> Config:
    return configured(folder, ACME + SECOND + OFFLINE, serve_sql=False)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 122 posts."""
    folder = tmp_path_factory.mktemp("imported")
    rows = [
        f"x:{n},x,2026-02-13T10:{n % 60:02}:00Z,acme-a,mention,en,"
        f"{'What a great launch' if n % 3 else 'What a terrible launch'} number {n}"
        for n in range(120)
    ]
    rows += ["x:a,x,2026-02-13T10:00:00Z,acme-a,repost,en,passed on"]
    rows += ["x:b,x,2026-03-13T10:00:00Z,acme-b,mention,en,elsewhere"]
    posts = folder / "posts.csv"
    header = "post_id,network,created_at,event_id,relation,language,text"
    posts.write_text("\n".join([header, *rows]))
    config = configured_in(folder)
    with Monitor(config) as monitor:
        monitor.bring([posts])
    return config.monitor.data_dir / DATABASE


@pytest.fixture
def config(tmp_path: Path, imported: Path) -> Config:
    made = configured_in(tmp_path)
    made.monitor.data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(imported, made.monitor.data_dir)
    return made


@pytest.fixture
def monitor(config: Config) -> Iterator[Monitor]:
    with Monitor(config) as made:
        yield made


def test_the_sample_is_random_and_the_same_for_everybody(monitor: Monitor) -> None:
    whole = monitor.audit_sample("acme-a", 500)["post_id"].to_list()
    assert len(whole) == 120, "no reposts, and no posts of another event"
    assert monitor.audit_sample("acme-a", 30, by="ann")["post_id"].to_list() == whole[:30]
    numbers = [int(name.removeprefix("x:")) for name in whole]
    assert abs(pl.Series(numbers[:60]).mean() - 59.5) < 15, "early and late ones alike"
    assert numbers != sorted(numbers)


def test_labels_go_out_and_come_back_as_csv(monitor: Monitor, tmp_path: Path) -> None:
    sample = monitor.audit_sample("acme-a", 60)
    file = tmp_path / "labels.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["post_id", "label", "relevant"])
        for n, row in enumerate(sample.to_dicts()):
            label = "Positive" if "great" in row["text"] else "negative"
            writer.writerow([row["post_id"], label if n else "", "no" if n < 6 else "yes"])
    assert monitor.label_file("acme-a", file, by="ann") == 60
    assert monitor.label_file("acme-a", file, by="ann") == 0, "nothing new"
    (row,) = monitor.summary("acme-a").to_dicts()
    assert row["stream_precision"] == pytest.approx(54 / 60)
    assert row["stream_precision_low"] < 0.9 < row["stream_precision_high"]
    assert row["sentiment_corrected_low"] <= 1 / 3 <= row["sentiment_corrected_high"]
    assert (row["sentiment_corrected_labels"], row["sentiment_corrected_flag"]) == (59, None)
    (other,) = monitor.summary("acme-b").to_dicts()
    assert other["sentiment_corrected"] is None, "labels of one event say nothing of another"
    assert other["sentiment_corrected_flag"] == "no_labels"


def test_a_label_that_was_taken_back_is_new_when_it_comes_again(monitor: Monitor) -> None:
    good, other = (Label("x:1", "ann", label, relevant) for label, relevant in
                   (("positive", True), (None, False)))  # fmt: skip
    assert [monitor.label("acme-a", [one]) for one in (good, other, other, good)] == [1, 1, 0, 1]


def test_who_said_it_and_when_is_kept_and_the_latest_word_counts(monitor: Monitor) -> None:
    monitor.label("acme-a", [Label("x:1", "ann", "positive", relevant=True)])
    monitor.label("acme-a", [Label("x:1", "ann", "negative", relevant=True)])
    monitor.label("acme-a", [Label("x:1", "bob", "negative", relevant=False)])
    rows = monitor.query("from labels order by recorded_at").to_dicts()
    assert [(r["labelled_by"], r["label"]) for r in rows] == [
        ("ann", "positive"), ("ann", "negative"), ("bob", "negative"),
    ]  # fmt: skip
    assert all(row["labelled_at"] is not None for row in rows)
    found = {(r["question"], r["first"], r["second"]): r for r in
             monitor.agreement("acme-a").to_dicts()}  # fmt: skip
    assert found["mood", "ann", "bob"]["agreement"] == 1
    assert found["relevant", "ann", "bob"]["agreement"] == 0
    assert found["mood", "ann", "model"]["posts"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("post_id,label\nx:1,angry\n", 'x:1: label "angry" is none of'),
        ("post_id,label\nx:b,positive\n", "x:b: no reaction to event 'acme-a'"),
        ("post_id,relevant\nx:1,perhaps\n", 'row 2: relevant "perhaps": write yes or no'),
        ("id,label\nx:1,positive\n", "no column post_id; there are id, label"),
        ("post_id,label,labelled_at\nx:1,positive,soon\n", "row 2: .*is no time"),
    ],
)
def test_a_wrong_file_is_said_and_nothing_of_it_is_stored(
    monitor: Monitor, tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        monitor.label_file("acme-a", file, by="ann")
    assert monitor.query("from labels").is_empty()


def test_posts_are_labelled_by_keys_one_after_the_other(config: Config) -> None:
    """A key at a time in a real terminal; what was labelled is stored when it stops."""
    ours, theirs = pty.openpty()
    arguments = [*command(config), "label", "acme-a", "--by", "ann", "-n", "5"]
    process = subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = ""
    for key in ("?", "+", "x", "s", "-", "q"):
        shown = _until(ours, "q stop", shown)
        time.sleep(0.5)  # what is typed before it listens is lost
        os.write(ours, key.encode())
    assert process.wait(20) == 0
    with Monitor(config) as monitor:
        rows = monitor.query("select label, relevant from labels order by recorded_at").rows()
    assert rows == [("positive", True), (None, False), ("negative", True)]


def _until(terminal: int, text: str, shown: str, seconds: float = 20) -> str:
    """What it shows once `text` stands there once more than in `shown`."""
    end = time.monotonic() + seconds
    wanted = shown.count(text) + 1
    while shown.count(text) < wanted:
        ready, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
        assert ready, shown
        shown += os.read(terminal, 4096).decode("utf8", "replace")
    return shown


def test_without_a_terminal_it_says_what_to_do(config: Config) -> None:
    arguments = [*command(config), "label", "acme-a"]
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"--export FILE" in done.stderr
