"""Pages in a real browser: nothing is asked for, nothing complains, everybody can read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.api import Monitor
from tests.report.test_report import TWO, hostile
from tests.world import configured, filled

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BAD = (
    "<!doctype html><html><title></title><img src='http://127.0.0.1:9/x.png'>"
    "<p style='color:#aaa;background:#fff;width:900px'>pale</p>"
    "<script>console.error('oh')</script></html>"
)


@pytest.fixture(scope="module", autouse=True)
def _browser() -> None:
    if CHROMIUM is None or not (HERE / "node_modules").is_dir() or shutil.which("node") is None:
        pytest.skip(
            "no browser: apt-get install chromium nodejs npm; npm ci --prefix tests/browser"
        )


def complaints(page: Path) -> list[str]:
    done = subprocess.run(
        ["node", str(HERE / "look.mjs"), str(page), str(CHROMIUM)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_page_with_faults_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD)
    found = "\n".join(complaints(page))
    for fault in ("console: oh", "asked for http", "px wide", "color-contrast", "image-alt"):
        assert fault in found


def test_a_report_with_hostile_posts(tmp_path: Path) -> None:
    config = configured(tmp_path, TWO)
    filled(config)
    hostile(config)
    with Monitor(config) as opened:
        opened.report(None, tmp_path / "r")
    assert complaints(tmp_path / "r" / "index.html") == []


def test_a_report_of_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path, TWO)
    filled(config)
    with Monitor(config) as opened:
        opened.report("acme-b", tmp_path / "r")
    assert complaints(tmp_path / "r" / "index.html") == []
