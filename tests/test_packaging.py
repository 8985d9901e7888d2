"""What an installation relies on: complete locks without addresses, and a light start."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["build", "run", "dev"]
ENTRY = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)(?: ; (?P<marker>[^#]+?))?"
    r"(?:\s+--hash=sha256:[0-9a-f]{64})+"
)
HEAVY = {"duckdb", "feedparser", "httpx", "lxml", "polars"}
# What is not ours (recordings are the words of servers) or not in the repository.
FOREIGN = re.compile(
    r"\.git|\.venv|\..+_cache|\.hypothesis|__pycache__|data|demo|dist|node_modules|recordings"
)
# In two halves, so that this file may be searched too.
REGISTRIES = [
    a + b
    for a, b in [
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.", "npmjs"),
        ("registry.", "yarnpkg"),
        ("crates", ".io"),
    ]
]


def entries(lock: str) -> list[str]:
    """One requirement with its hashes each."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return text.replace("\\\n", "").splitlines()


def versions(lock: str) -> dict[str, str]:
    found = [ENTRY.fullmatch(entry) for entry in entries(lock)]
    return {match["name"]: match["version"] for match in found if match}


def wanted(lock: str) -> list[Requirement]:
    groups = PROJECT["dependency-groups"] | {"run": PROJECT["project"]["dependencies"]}
    return [Requirement(line) for line in groups[lock]]


@pytest.fixture
def installed() -> str:
    """The version that is installed; a bare checkout has none."""
    try:
        return importlib.metadata.version("monitor")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("monitor is not installed here; `make test` installs it")


def imported() -> set[str]:
    """The top-level modules that the package imports, at the start or later."""
    names = set()
    for path in (ROOT / "monitor").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def own_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not FOREIGN.fullmatch(name)]
        yield from (Path(folder, name) for name in names)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pinned_and_hashed_requirements_and_nothing_else(lock: str) -> None:
    assert entries(lock)
    assert [entry for entry in entries(lock) if not ENTRY.fullmatch(entry)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_in_a_version_that_it_allows(lock: str) -> None:
    pins = versions(lock)
    for requirement in wanted(lock):
        version = pins.get(canonicalize_name(requirement.name))
        assert version, f"{requirement} is not in requirements/{lock}.txt; run: make lock"
        assert requirement.specifier.contains(version), f"{requirement} but {version} is locked"


def test_every_package_that_is_imported_is_a_dependency() -> None:
    extras = PROJECT["project"].get("optional-dependencies", {}).values()
    lines = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    providers = importlib.metadata.packages_distributions()
    foreign = imported() - sys.stdlib_module_names - {"monitor"}
    undeclared = {
        module
        for module in foreign
        if not declared & {canonicalize_name(name) for name in [*providers.get(module, []), module]}
        # Of an extra that is not installed only the name tells whose module it is.
        and not any(name.startswith(f"{module}-") for name in declared)
    }
    assert undeclared == set()


def test_the_locks_agree_where_they_name_the_same_package() -> None:
    merged: dict[str, str] = {}
    for lock in LOCKS:
        for name, version in versions(lock).items():
            assert merged.setdefault(name, version) == version, name


def test_what_builds_the_project_is_locked() -> None:
    pins = versions("build")
    for line in PROJECT["build-system"]["requires"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_no_file_names_the_address_of_a_package_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in own_files()
        for host in REGISTRIES
        if path.is_file() and host.encode() in path.read_bytes()
    ]
    assert found == []


def test_the_installed_version_is_that_of_the_project(installed: str) -> None:
    assert installed == PROJECT["project"]["version"]


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("import monitor", id="import"),
        pytest.param("import monitor.cli", id="import-cli"),
        pytest.param(
            "from monitor.cli import main; sys.argv = ['monitor', '--help']; main()", id="help"
        ),
    ],
)
def test_a_start_does_not_load_what_is_slow_to_load(start: str) -> None:
    code = f"""
import atexit, sys
atexit.register(lambda: print("LOADED", *sorted({HEAVY!r} & set(sys.modules))))
{start}
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "LOADED"


@pytest.mark.parametrize("how", [["-m", "monitor"], ["-c", "from monitor.cli import main; main()"]])
def test_the_command_answers_with_its_version(how: list[str], installed: str) -> None:
    run = subprocess.run(
        [sys.executable, *how, "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert installed in run.stdout
