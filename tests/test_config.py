from __future__ import annotations

import os
import string
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.config import Config, EventKind, Note, Role, load, secret, template
from monitor.config_file import tables
from monitor.config_file.lines import key_lines
from monitor.errors import ConfigError

ROOT = Path(__file__).parents[1]
COMPANY = '[[company]]\nid = "northwind"\nname = "Northwind Energy"\n'
EVENT = COMPANY + (
    '[[event]]\nid = "round"\ncompany = "northwind"\nannounced_at = 2026-02-12T18:00:00Z\n'
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests may be found."""
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "monitor.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def loaded(text: str, env: Mapping[str, str] | None = None) -> Config:
    return load(write(text), env=env or {})


def problems(text: str, env: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loaded(text, env)
    assert all(len(problem.splitlines()) == 1 for problem in refused.value.problems)
    return refused.value.problems


def problem(text: str, env: Mapping[str, str] | None = None) -> str:
    (only,) = problems(text, env)
    return only


# What a right file means


def test_the_example_of_the_documentation_is_read_as_it_is_meant() -> None:
    config = load(ROOT / "config" / "series-g.toml", env={})
    (company,), (actor,), (event,) = config.companies, config.actors, config.events
    assert config.monitor.timezone == "Europe/Berlin"
    assert (company.aliases, company.exclude) == (("Claude AI",), ("Claude Monet",))
    assert actor.roles == {"anthropic": Role.COMPETITOR, "xai": Role.OWN}
    assert event.kind is EventKind.FUNDING
    assert event.announced_at == datetime(2026, 2, 12, 18, tzinfo=UTC)
    assert event.window_after == timedelta(days=14)
    assert (event.amount, event.valuation, event.currency) == (30e9, 380e9, "USD")
    assert event.terms == ('funding OR "Series G" OR $30B',)
    moment = datetime(2026, 2, 13, 15, 10, tzinfo=UTC)
    assert event.note == (Note(at=moment, text="Statement to the press"),)
    assert config.sources[0].interval == timedelta(minutes=5)
    assert config.networks["bluesky"].base_url == "https://public.api.bsky.app"


def test_the_default_file_works_as_it_is_and_is_what_init_writes() -> None:
    file = ROOT / "config" / "monitor.toml"
    assert file.read_bytes() == template().encode()
    config = load(file, env={})
    assert config == Config(path=file)


def test_the_examples_in_the_default_file_work_when_the_sign_is_taken_away() -> None:
    lines = template().splitlines()
    examples = "\n".join(
        line[1:] if line[:1] == "#" and line[1:2] not in ("", " ") else line for line in lines
    )
    config = loaded(examples)
    assert config.events[0].company == config.companies[0].id == "northwind"
    assert config.networks["x"].posts_per_day == 1000
    assert config.monitor.contact == "mailto:you@example.org"


def test_every_key_that_can_be_read_is_a_field_and_shown_in_the_default_file() -> None:
    for name, fields in (("company", tables.COMPANY), ("event", tables.EVENT)):
        kind = Config.__annotations__[name].removeprefix("tuple[").removesuffix(", ...]")
        assert set(fields) == set(vars(sys.modules["monitor.config"])[kind].__struct_fields__)
    for fields in (tables.SETTINGS, tables.COMPANY, tables.ACTOR, tables.EVENT, tables.SOURCE):
        assert [key for key in fields if f"{key} = " not in template()] == []


def test_times_with_an_offset_become_utc() -> None:
    text = EVENT.replace("18:00:00Z", "19:00:00+01:00")
    event = loaded(text).events[0]
    assert event.announced_at == datetime(2026, 2, 12, 18, tzinfo=UTC)
    assert event.announced_at.tzinfo is UTC


def test_a_role_may_name_a_company_that_is_not_watched_but_no_slip() -> None:
    actor = '[[actor]]\nid = "a"\nname = "A"\nroles = { %s = "own" }\n'
    assert loaded(COMPANY + actor % "xai").actors[0].roles == {"xai": Role.OWN}
    assert 'did you mean "northwind"?' in problem(COMPANY + actor % "nortwind")


@pytest.mark.parametrize(
    "announcement",
    [
        "https://example.org/news/round",
        "http://127.0.0.1:8081/?p=12",
        "at://did:plc:abc/app.bsky.feed.post/3k",
        "bluesky:at://did:plc:abc/app.bsky.feed.post/3k",
        "ap:https://social.example/users/name/statuses/1",
        "hackernews:8863",
        "wordpress:example.org/post/12",
        "someforum:12",
    ],
)
def test_an_announcement_is_an_address_or_an_id(announcement: str) -> None:
    config = loaded(EVENT + f'announcements = ["{announcement}", "{announcement}"]')
    assert config.events[0].announcements == (announcement,)


# What a wrong file is told


def test_an_unknown_key_is_named_with_its_place_and_the_nearest_key() -> None:
    path = write(COMPANY + 'alises = ["Northwind"]', "config/monitor.toml")
    with pytest.raises(ConfigError) as refused:
        load(env={})
    assert refused.value.problems == [
        f'{path}:4: company[0].alises: unknown key; did you mean "aliases"?'
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[monitr]\ndata_dir = "x"', ':1: monitr: unknown key; did you mean "monitor"?'),
        ('[[companies]]\nid = "a"', 'did you mean "company"?'),
        ('[company]\nid = "a"', "write [[company]]"),
        ("company = 3", "expected a list of tables, got a whole number"),
        ("monitor = true", "expected a table, got a boolean"),
        ("[monitor]\ndata_dir = 5", ":2: monitor.data_dir: expected a string"),
        ('[monitor]\ndata_dir = ""', "is empty"),
        ('[monitor]\ncontact = "me@example.org"', '"mailto:me@example.org"'),
        ('[monitor]\ncontact = "mailto:me@example.org\\r\\nX: y"', "can't be seen"),
        ('[monitor]\ntimezone = "Europe/Berln"', 'did you mean "Europe/Berlin"?'),
        ('[monitor]\ntimezone = "europe"', "is no time zone"),
        ('[monitor]\ntimezone = "../../etc/passwd"', "is no time zone"),
        ('[monitor]\nserve_sql = "yes"', "expected true or false, got a string"),
        ("[monitor]\nmetrics_port = 70000", "is no port"),
        ('[monitor]\nmemory_limit = "much"', "is no amount of memory"),
        ('[monitor]\nmemory_limit = "1MB"', "is too little"),
        ('[[company]]\nid = "a"', ':1: company[0]: lacks "name"'),
        ('[[company]]\nid = "a"\nname = " "', ":3: company[0].name: is empty"),
        ('[[company]]\nid = "a b"\nname = "A"', '"a b" is no id'),
        (COMPANY + 'aliases = "Northwind"', 'got a string; write ["Northwind"]'),
        (COMPANY + 'aliases = [\n  "a",\n  ""\n]', ":6: company[0].aliases[1]: is empty"),
        (COMPANY + 'exclude = ["northwind energy"]', "is a name of the company itself"),
        (COMPANY + 'feeds = ["example.org/rss"]', "begin with https://"),
        (COMPANY + 'feeds = ["https://exa mple.org/"]', "no host"),
        (COMPANY + 'feeds = ["https://-/"]', "no host"),
        (COMPANY + 'feeds = ["ftp://example.org/"]', "is no http(s) address"),
        (COMPANY + 'accounts = ["example.org"]', 'write "network:name"'),
        (COMPANY + 'accounts = ["blusky:example.org"]', 'did you mean "bluesky"?'),
        (COMPANY + 'accounts = ["bluesky:example"]', "bluesky:name.example.org"),
        (COMPANY + 'accounts = ["mastodon:name"]', "mastodon:@name@host"),
        (COMPANY + COMPANY, ":5: company[1].id: "),
        (COMPANY + COMPANY.replace('"northwind"', '"Northwind"'), "more than case"),
        (EVENT + EVENT.removeprefix(COMPANY), "is already the id of event[0]"),
        (EVENT.replace('y = "northwind"', 'y = "nortwind"'), 'did you mean "northwind"?'),
        (EVENT.removeprefix(COMPANY), "add a [[company]]"),
        (EVENT.replace("18:00:00Z", "18:00:00"), "add Z for UTC (2026-02-12T18:00:00Z)"),
        (EVENT.replace("T18:00:00Z", ""), "expected a time such as"),
        (EVENT.replace("2026", "0001"), "not between 1970 and 2200"),
        (EVENT + 'kind = "fundng"', 'did you mean "funding"?'),
        (EVENT + 'window_before = "14 days"', "90s, 5m, 1.5h or 14d"),
        (EVENT + "window_after = 14", 'expected a duration such as "5m"'),
        (EVENT + "amount = nan", "is impossible"),
        (EVENT + "amount = true", "expected a number, got a boolean"),
        (EVENT + f"valuation = 1{'0' * 400}", "is impossible"),
        (EVENT + 'currency = "usd"', 'three capitals such as "USD"'),
        (EVENT + 'terms = ["funding", "a OR"]', "event[0].terms[1]: column 5 "),
        (EVENT + 'announcements = ["example.org/x"]', "begin with https://"),
        (EVENT + 'announcements = ["htps://example.org/x"]', "is no http(s) address"),
        (EVENT + 'announcements = ["blusky:at://did:plc:a"]', 'did you mean "bluesky"?'),
        (EVENT + 'announcements = ["hackernews:item"]', "is no post of hackernews"),
        (EVENT + 'announcements = ["javascript:alert(1)"]', "is no http(s) address"),
        (EVENT + 'note = [{ at = 2026-02-13T00:00:00Z, txt = "x", text = "y" }]', 'mean "text"?'),
        (
            COMPANY + '[[actor]]\nid = "a"\nname = "A"\nroles = { northwind = "rival" }',
            "is none of",
        ),
        ('[[source]]\nnetwork = "fed"\ntarget = "https://example.org"', 'did you mean "feed"?'),
        ('[[source]]\nnetwork = "feed"\ntarget = "example"', "source[0].target"),
        ('[[source]]\nnetwork = "bluesky"\ntarget = "search: "', "nothing to search for"),
        ('[[source]]\nid = "import"\nnetwork = "x"\ntarget = "n"', "taken by monitor itself"),
        ('[[source]]\nnetwork = "x"\ntarget = "n"\ninterval = "0.9s"', "at least 1s"),
        ("[network.blusky]\nenabled = true", 'did you mean "bluesky"?'),
        ("[network.bluesky]\noff = true", 'did you mean "enabled"?'),
        ("[network.bluesky]\nrequests_per_minute = 0", "above 0"),
        ("[network.bluesky]\nposts_per_day = 5", "only network.x"),
        ("[network.x]\nposts_per_day = -5", "from 0"),
        ('[network.bluesky]\nbase_url = "https://example.org/?a=1"', "no ? and no #"),
        ("[network]\nbluesky = 1", "network.bluesky: expected a table"),
        ('[enrich]\nlanguage = "langdetct"', 'did you mean "langdetect"?'),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_helps(text: str, said: str) -> None:
    assert said in problem(text)


def test_all_problems_come_out_at_once_in_the_order_of_the_file() -> None:
    text = '[monitor]\ntimezone = "Nowhere"\n[[company]]\nid = "a"\nfeeds = ["x", "y"]\n[x]\n'
    found = problems(text)
    assert [p.split(":")[1] for p in found] == ["2", "3", "5", "5", "6"]


@given(key=st.text(alphabet=string.ascii_letters + "-_é \"'\\", min_size=1, max_size=30))
@example(key="a.b")
def test_any_unknown_key_is_named(key: str) -> None:
    shown = "".join(f"\\u{ord(c):04x}" if not c.isalnum() else c for c in key)
    for head in ("", "[monitor]\n", COMPANY, "[network.x]\n", "[enrich]\n"):
        name = key + "?"
        text = f'{head}"{shown}?" = 1\n'
        try:
            load(write(text), env={})
        except ConfigError as error:
            (only,) = error.problems
        else:
            only = ""
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        assert f'"{escaped}": ' in only
        assert f":{text.count(chr(10))}: " in only


_scalars = st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
_values = st.recursive(
    _scalars | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_documents = st.dictionaries(
    st.sampled_from([*tables.ROOT]),
    _values
    | st.lists(
        st.dictionaries(st.sampled_from([*tables.EVENT, *tables.COMPANY]), _values), max_size=2
    )
    | st.dictionaries(st.sampled_from(["x", *tables.SETTINGS]), _values, max_size=3),
)


@given(_documents)
def test_no_value_of_any_type_makes_anything_but_a_list_of_problems(raw: dict[str, Any]) -> None:
    from monitor.config_file.checks import check
    from monitor.config_file.findings import Findings
    from monitor.config_file.values import Place, table

    findings = Findings("monitor.toml", {})
    place = Place((), findings.report)
    check(table(raw, place, tables.ROOT), place)
    try:
        findings.raise_if_any()
    except ConfigError as error:
        said = error.problems
    else:
        said = []
    assert all(len(one.splitlines()) == 1 for one in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[monitor\n", "monitor.toml:1:9: no TOML: "),
        ("a = 1\na = 2\n", "monitor.toml:2:6: no TOML: "),
        ("\n\na = [", "monitor.toml:3:6: no TOML: "),
        ("a = 2026-02-30T00:00:00Z", "monitor.toml:1:"),
        (f"a = {'9' * 5000}", "monitor.toml: no TOML: "),
        (f"a = {'[' * 5000}", "nested too deeply"),
    ],
)
def test_a_file_that_is_no_toml_is_told_where(text: str, said: str) -> None:
    assert said in problem(text)


def test_a_file_in_another_encoding_is_told_where() -> None:
    Path("monitor.toml").write_bytes('[monitor]\n# für\ndata_dir = "x"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"monitor\.toml:2: not in UTF-8"):
        load(Path("monitor.toml"), env={})


def test_a_mark_of_utf8_and_windows_line_ends_are_no_problem() -> None:
    Path("monitor.toml").write_bytes(b'\xef\xbb\xbf[monitor]\r\ndata_dir = "x"\r\n')
    assert load(Path("monitor.toml"), env={}).monitor.data_dir == Path("x")


# Lines


def test_every_key_of_a_document_has_its_line() -> None:
    text = (
        '# a comment with = and [x]\ntop.dotted = "a # no comment"\n'
        '"quoted key" = """two\nlines = 1"""\n'
        "list = [ # comment ]\n  1,\n  { a = 2, b.c = '#' },\n]\n"
        "[[tables]]\nx = 1\n[tables.sub]\ny = 2026-02-12 18:00:00Z\n[[tables]]\nx = 2\n"
        '[[tables.inner]]\nz = "\\"]"\n'
    )
    lines = key_lines(text)
    assert {path: lines[path] for path in leaves(tomllib.loads(text))} == {
        ("top", "dotted"): 2,
        ("quoted key",): 3,
        ("list", 0): 6,
        ("list", 1, "a"): 7,
        ("list", 1, "b", "c"): 7,
        ("tables", 0, "x"): 10,
        ("tables", 0, "sub", "y"): 12,
        ("tables", 1, "x"): 14,
        ("tables", 1, "inner", 0, "z"): 16,
    }


def leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for n, item in enumerate(value) for leaf in leaves(item, (*path, n))]
    return [path]


@given(st.text(alphabet="ab.=[]{}\"'\\\n #,1-:T", max_size=60))
@example("a = [}")
@example("a = { b = , }")
def test_the_scanner_never_fails_and_finds_every_key_of_what_is_toml(text: str) -> None:
    lines = key_lines(text)
    try:
        document = tomllib.loads(text)
    except ValueError:
        document = {}
    assert [path for path in leaves(document) if path and path not in lines] == []


# Where it comes from


def test_files_are_looked_for_in_order(tmp_path: Path) -> None:
    def text(zone: str) -> str:
        return f'[monitor]\ntimezone = "{zone}"\n'

    env = {"XDG_CONFIG_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    assert load(env=env) == Config()
    write(text("Asia/Tokyo"), "home/monitor/monitor.toml")
    assert load(env=env).monitor.timezone == "Asia/Tokyo"
    write(text("Europe/Paris"), "config/monitor.toml")
    assert load(env=env).monitor.timezone == "Europe/Paris"
    env["MONITOR_CONFIG"] = str(write(text("Europe/Rome"), "other.toml"))
    assert load(env=env).monitor.timezone == "Europe/Rome"
    assert (
        load(write(text("Asia/Kolkata"), "given.toml"), env=env).monitor.timezone == "Asia/Kolkata"
    )


def test_flags_go_before_environment_before_file() -> None:
    path = write('[monitor]\ndata_dir = "file"\nserve_sql = true\ntimezone = "Europe/Paris"\n')
    env = {
        "MONITOR_DATA_DIR": "environment",
        "MONITOR_SERVE_SQL": "off",
        "MONITOR_TIMEZONE": "",
        "MONITOR_CONTACT": "https://example.org/about",
        "MONITOR_ALLOW_PRIVATE_ADDRESSES": "true",
    }
    settings = load(path, env=env).monitor
    assert settings.data_dir == Path("environment")
    assert not settings.serve_sql
    assert settings.timezone == "Europe/Paris"
    assert settings.contact == "https://example.org/about"
    assert settings.allow_private_addresses
    assert load(path, data_dir=Path("flag"), env=env).monitor.data_dir == Path("flag")


def test_without_a_file_the_defaults_hold_and_flags_count() -> None:
    config = load(data_dir=Path("elsewhere"), env={})
    assert (config.path, config.companies, config.monitor.data_dir) == (None, (), Path("elsewhere"))


@pytest.mark.parametrize("env", [{}, {"MONITOR_CONFIG": "nowhere.toml"}])
def test_a_file_that_was_named_must_be_there(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r'nowhere\.toml: no such file; .*"monitor init"'):
        load(None if env else Path("nowhere.toml"), env=env)


def test_a_folder_is_no_file() -> None:
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        load(Path(), env={})


def test_a_misspelt_variable_is_an_error_and_a_foreign_one_is_not() -> None:
    foreign = {
        "MONITOR_RECORDINGS": "x",
        "MONITOR_DEBUG": "1",
        "MONITOR_PORT_80_TCP": "tcp://10.0.0.1:80",
        "MONITOR_SERVICE_HOST": "10.0.0.1",
    }
    assert loaded("", foreign) == Config(path=Path("monitor.toml"))
    said = problem("", {"MONITOR_DATADIR": "x"})
    assert said == 'MONITOR_DATADIR: unknown variable; did you mean "MONITOR_DATA_DIR"?'
    assert "MONITOR_TIMEZONE" in problem("", {"MONITOR_TIME_ZONE": "UTC"})


def test_a_wrong_variable_is_named_and_not_the_file() -> None:
    assert problem("", {"MONITOR_SERVE_SQL": "maybe"}).startswith("MONITOR_SERVE_SQL: ")
    assert problem("", {"MONITOR_TIMEZONE": "UTD"}).startswith("MONITOR_TIMEZONE: ")


# Secrets


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ('[network.x]\nbearer_token = "hush-hush"', "X_BEARER_TOKEN"),
        ('[network.x]\ncredentials = "hush-hush"', "X_BEARER_TOKEN"),
        ('[network.youtube]\napi_key = "hush-hush"', "YOUTUBE_API_KEY"),
        ('[network.bluesky]\npassword = "hush-hush"', "BLUESKY_PASSWORD"),
        ('[monitor]\ntoken = "hush-hush"', "TOKEN"),
        (COMPANY + 'feeds = ["https://name:hush-hush@example.org/rss"]', "holds a login"),
        (COMPANY + 'feeds = ["ftp://name:hush-hush@example.org/rss"]', "feeds[0]"),
    ],
)
def test_a_secret_in_the_file_is_an_error_that_does_not_show_it(text: str, variable: str) -> None:
    said = problem(text)
    assert variable in said
    assert "hush" not in said


def test_secrets_come_from_the_environment_a_file_or_systemd(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from-file\n")
    (tmp_path / "X_BEARER_TOKEN").write_text("from-systemd\n")
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert secret("OTHER", env) is None
    assert secret("X_BEARER_TOKEN", env) == "from-systemd"
    env["X_BEARER_TOKEN_FILE"] = str(tmp_path / "file")
    assert secret("X_BEARER_TOKEN", env) == "from-file"
    env["X_BEARER_TOKEN"] = "from-environment"
    assert secret("X_BEARER_TOKEN", env) == "from-environment"


def test_what_is_no_secret_is_refused_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "two").write_bytes(b"hush\r\nInjected: header")
    (tmp_path / "bytes").write_bytes(b"hush\xff")
    for name, said in (("two", "more than one line"), ("bytes", "UTF-8"), ("none", "No such file")):
        with pytest.raises(ConfigError, match=said) as refused:
            secret("T", {"T_FILE": str(tmp_path / name)})
        assert "hush" not in str(refused.value)


# Start


def test_reading_a_configuration_without_terms_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; from monitor.config import load;"
        f"load(Path({str(ROOT / 'config' / 'monitor.toml')!r}), env={{}});"
        "print(*{'lark', 'polars', 'duckdb', 'httpx', 'feedparser', 'lxml'} & set(sys.modules))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.strip() == ""
