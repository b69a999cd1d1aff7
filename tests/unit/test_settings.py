"""Settings: both spellings of the Globus keys, the environment first, and errors that a person can act on."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline import settings
from pipeline.errors import ConfigError
from pipeline.settings.command import split
from pipeline.settings.keys import KEYS
from pipeline.settings.types import DEFAULT_LEAVE_OUT

REPOSITORY = Path(__file__).parents[2]
UUID = "c40e971d-0075-4a82-b12f-8f9717762e7b"
ARCHIVE = "5b875fda-4185-11e8-bb52-0ac6873fc732"
FILE = Path("/lab/dj_local_conf.json") if Path("/").root == "/" else Path("C:/lab/dj_local_conf.json")
HOME = FILE.parent / "home"


def parse(document, **environ):
    text = document if isinstance(document, str) else json.dumps(document, indent=1)
    return settings.parse(text, file=FILE, environ={"HOME": str(HOME), **environ})


def refused(document, **environ):
    with pytest.raises(ConfigError) as caught:
        parse(document, **environ)
    assert caught.value.remedy
    return caught.value


FLAT = {
    "globus.local_endpoint": UUID.upper(),
    "globus.local_endpoint_subdir": "map/raw",
    "globus.local_endpoint_local_path": "rig",
}


# --- the predecessor's files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda keys: keys, lambda keys: {"custom": keys}], ids=["at the top", "under custom"])
def test_flat_keys_serve_every_alias(wrap):
    globus = parse(wrap(FLAT)).globus
    assert [(root.alias, root.endpoint, root.globus_path, root.local_path) for root in globus.local_roots] == [
        ("raw-ephys", UUID, "/~/map/raw", FILE.parent / "rig"),
        ("raw-video", UUID, "/~/map/raw", FILE.parent / "rig"),
    ]
    assert globus.roots("some-alias-of-the-database")[0].local_path == FILE.parent / "rig"


@pytest.mark.parametrize(
    "locations",
    [
        [["raw-ephys", ARCHIVE, "/4ElectrodeRig_Ephys"], ["raw-video", ARCHIVE, "pub"]],
        {"raw-ephys": [ARCHIVE, "/4ElectrodeRig_Ephys"], "raw-video": [ARCHIVE, "pub"]},
        {"raw-ephys": f"{ARCHIVE}:/4ElectrodeRig_Ephys", "raw-video": f"{ARCHIVE}:pub"},
        {
            "raw-ephys": {"globus_endpoint": ARCHIVE, "globus_path": "/4ElectrodeRig_Ephys/"},
            "raw-video": {"endpoint": ARCHIVE, "path": "~/pub", "dataset_type": "video"},
        },
    ],
    ids=["list of lists", "lists", "texts", "objects"],
)
def test_storage_locations_in_every_form(locations):
    found = parse({"custom": {"globus.storage_locations": locations}}).globus.storage_locations
    assert [(each.alias, each.endpoint, each.path, each.dataset_type) for each in found] == [
        ("raw-ephys", ARCHIVE, "/4ElectrodeRig_Ephys", "ephys"),
        ("raw-video", ARCHIVE, "/~/pub", "video"),
    ]


def test_entries_of_an_alias_count_before_the_flat_keys():
    own = {"raw-video": {"endpoint_subdir": "/videos", "endpoint_path": "videos", "upload_only": True}}
    globus = parse({**FLAT, "custom": {"globus.local_endpoints": own}}).globus
    (video,) = globus.roots("raw-video")
    assert (video.endpoint, video.globus_path, video.upload_only) == (UUID, "/videos", True)
    (ephys,) = globus.roots("raw-ephys")
    assert (ephys.globus_path, ephys.upload_only) == ("/~/map/raw", False)


def test_an_alias_may_have_several_roots():
    entries = [
        {"endpoint": UUID, "endpoint_subdir": "/D", "endpoint_path": "d"},
        {"endpoint": UUID, "endpoint_subdir": "/E", "endpoint_path": "~/e"},
    ]
    roots = parse({"custom": {"globus.local_endpoints": {"raw-ephys": entries}}}).globus.roots("raw-ephys")
    assert [root.local_path for root in roots] == [FILE.parent / "d", HOME / "e"]


def test_a_real_file_of_the_predecessor_loads_and_its_foreign_keys_are_listed():
    loaded = parse(
        {
            "database.host": "datajoint.mesoscale-activity-map.org",
            "database.password": "this-is-a-placeholder",
            "database.user": "bogus-example-user",
            "database.port": 3306,
            "connection.init_function": None,
            "database.reconnect": False,
            "loglevel": "INFO",
            "safemode": True,
            "display.limit": 7,
            "history": [],
            "do_unittest": False,
            "stores": {"report_store": {"protocol": "file", "location": "D:/report"}},
            "custom": {"behavior_data_paths": [["RRig", "./data", 0]], "database.prefix": "u_", "globus.token": "abc"},
        }
    )
    assert (loaded.database.backend, loaded.database.host, loaded.database.embedded) == (
        "mysql",
        "datajoint.mesoscale-activity-map.org",
        None,
    )
    assert loaded.database.schema_prefix == "mapshell_"  # custom's is of another program
    assert set(loaded.foreign) >= {
        "history",
        "database.reconnect",
        "custom.behavior_data_paths",
        "custom.database.prefix",
    }
    (warning,) = loaded.warnings
    assert "globus.token" in warning
    assert "abc" not in warning


def test_nested_and_dotted_keys_mean_the_same():
    dotted = parse({"globus.client_id": UUID, "archive.quiet_seconds": 5, "database.host": "db", "database.user": "me"})
    nested = parse(
        {"globus": {"client_id": UUID}, "archive": {"quiet_seconds": 5}, "database": {"host": "db", "user": "me"}}
    )
    assert dotted == nested


# --- defaults, environment, secrets ---------------------------------------------------------------------------------


def test_without_a_file_there_is_an_embedded_database():
    empty = settings.parse("", file=None, environ={"MAPSHELL_HOME": str(HOME)})
    assert empty.database.embedded == HOME / "data" / "database"
    assert empty.database.backend == "postgresql"
    assert empty.archive.leave_out == DEFAULT_LEAVE_OUT
    assert set(empty.origins.values()) == {"default"}


def test_environment_wins_and_ours_before_datajoints():
    loaded = parse(
        {"database.host": "file", "database.port": 1},
        DJ_HOST="datajoint",
        MAPSHELL_DATABASE_HOST="ours",
        DJ_PORT="3307",
        DJ_PASS="pw",
        MAPSHELL_ARCHIVE_LEAVE_OUT="*.tmp, .phy",
    )
    assert (loaded.database.host, loaded.database.port) == ("ours", 3307)
    assert loaded.origins["database.host"] == "environment MAPSHELL_DATABASE_HOST"
    assert loaded.origins["database.port"] == "environment DJ_PORT"
    assert loaded.archive.leave_out == ("*.tmp", ".phy")


def test_a_server_in_the_environment_wins_over_an_embedded_database_in_the_file():
    assert parse({"database.embedded": "db"}, MAPSHELL_DATABASE_HOST="x").database.embedded is None
    assert parse({"database.host": "x"}, MAPSHELL_DATABASE_EMBEDDED="/db").database.host is None
    assert "database.embedded" in refused({"database.embedded": "db", "database.host": "x"}).message


def test_datajoints_variable_does_not_lead_a_demo_to_the_labs_server():
    loaded = parse({"database.embedded": "db"}, DJ_HOST="lab", DJ_USER="me")
    assert (loaded.database.host, loaded.database.embedded) == (None, FILE.parent / "db")
    assert "DJ_HOST" in loaded.warnings[0]
    assert parse({}, DJ_HOST="lab").database.host == "lab"


@pytest.mark.parametrize("service", ["auth", "transfer"])
def test_the_sdks_variables_do_not_lead_a_demo_to_another_sandbox(service):
    elsewhere = {f"GLOBUS_SDK_SERVICE_URL_{service.upper()}": "http://127.0.0.1:9"}
    named = getattr(parse({"globus.sandbox": "box"}, **elsewhere).globus, f"{service}_url")
    assert named is None
    assert getattr(parse({}, **elsewhere).globus, f"{service}_url") == "http://127.0.0.1:9"
    own = {f"MAPSHELL_GLOBUS_{service.upper()}_URL": "http://127.0.0.1:9"}
    assert getattr(parse({"globus.sandbox": "box"}, **own).globus, f"{service}_url") == "http://127.0.0.1:9"


def test_secrets_do_not_show():
    loaded = parse({"database.host": "x", "database.password": "hush1"}, MAPSHELL_GLOBUS_CLIENT_SECRET="hush2")
    assert "hush" not in repr(loaded)
    assert "hush" not in f"{loaded.database.password} {loaded.globus.client_secret}"
    assert loaded.database.password.get_secret_value() == "hush1"
    assert loaded.globus.client_secret.get_secret_value() == "hush2"
    assert "hush" not in str(refused({"globus.client_secret": "hush"}))
    assert "4711" not in str(refused({"database.host": "x", "database.password": 4711}))


def test_paths_start_at_the_files_folder():
    loaded = parse({"database.embedded": ".mapshell/database", "globus.sandbox": ".mapshell/sandbox"})
    assert loaded.database.embedded == FILE.parent / ".mapshell" / "database"
    assert loaded.globus.service_file == FILE.parent / ".mapshell" / "sandbox" / "state.json"
    assert loaded.globus.token_file.parent == FILE.parent / ".mapshell" / "sandbox"


def test_an_unknown_variable_of_ours_is_warned_of():
    (warning,) = parse({}, MAPSHELL_GLOBUS_CLIENTID="x", MAPSHELL_TEST_SERVER="x").warnings
    assert "MAPSHELL_GLOBUS_CLIENT_ID" in warning


@pytest.mark.parametrize(
    ("written", "path"),
    [("/a/b/", "/a/b"), ("/", "/"), ("", "/~/"), ("~", "/~/"), ("/~/x", "/~/x"), ("~/x", "/~/x"), ("x//y", "/~/x/y")],
)
def test_globus_paths(written, path):
    globus = parse({**FLAT, "globus.local_endpoint_subdir": written}) if written else None
    if globus is None:
        location = {"raw-ephys": [ARCHIVE, written]}
        assert parse({"globus.storage_locations": location}).globus.storage_locations[0].path == path
    else:
        assert globus.globus.local_roots[0].globus_path == path


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{\n  "a": "C:\\data"\n}', 2, "backslash"),
        ('{\n  "a": 1,\n}', 2, "comma after the last"),
        ('{\n  "a": [1,\n 2,\n]}', 3, "comma after the last"),
        ('{\n  "a": 1\n  "b": 2\n}', 2, "missing comma"),
        ("{\n  'a': 1\n}", 2, "single quotation"),
        ('{\n  // here\n  "a": 1\n}', 2, "comment"),
        ('{\n  "a": True\n}', 2, "Python"),
        ('{\n  "a": "x\n}', 2, "quotation mark"),
        ('{\n  "a": 1\n} }', 3, "after the closing"),
        ('{\n  "a": 1\n', 2, "ends too early"),
    ],
)
def test_broken_json_names_line_and_cause(text, line, says):
    message = refused(text).message
    assert str(FILE) in message
    assert f"line {line}:" in message
    assert says in message


@pytest.mark.parametrize("custom", ["x", 3, []], ids=repr)
def test_keys_of_custom_that_nobody_could_read_are_not_passed_over(custom):
    with pytest.raises(ConfigError, match=rf"{re.escape(str(FILE))}, line 1, custom: expected an object"):
        parse(json.dumps({"custom": custom}))


@pytest.mark.parametrize("text", ["", "  \n", "[]", '"x"', "3", "null", "[" * 5000 + "]" * 5000, "1" * 5000])
def test_a_file_that_is_no_object_is_refused(text):
    assert str(FILE) in refused(text).message


@pytest.mark.parametrize(
    ("document", "where", "remedy"),
    [
        ({"globus.local_endpiont": UUID}, "line 2, globus.local_endpiont", "globus.local_endpoint?"),
        ({"custom": {"globus.storage_location": {}}}, "globus.storage_location", "globus.storage_locations?"),
        ({"archive": {"quiet_second": 3}}, "archive.quiet_second", "archive.quiet_seconds?"),
        ({"globus.client_id": 5}, "globus.client_id", "correct"),
        ({"globus.client_id": "user#endpoint"}, "globus.client_id", "UUID"),
        ({"database.port": "3306"}, "database.port", "without quotation marks"),
        ({"database.port": 0}, "database.port", "65535"),
        ({"database.port": True}, "database.port", "number"),
        ({"database.backend": "oracle", "database.host": "x"}, "database.backend", "mysql or postgresql"),
        ({"database.use_tls": "yes"}, "database.use_tls", "true or false"),
        ({"database.prefix": "Map-"}, "database.prefix", "small letters"),
        ({"archive.leave_out": "x"}, "archive.leave_out", "correct"),
        ({"archive.leave_out": ["a/b"]}, "archive.leave_out", "single names"),
        ({"archive.staging_name": "a/b"}, "archive.staging_name", "letters"),
        ({"globus.auth_url": "http://auth.example.org"}, "globus.auth_url", "https"),
        ({"globus.auth_url": "auth.example.org"}, "globus.auth_url", "https"),
        ({"globus": 3}, "globus: expected an object", "globus.client_id"),
        ({"globus.local_endpoint": UUID, "custom": {"globus.local_endpoint": ARCHIVE}}, "two places", "one place"),
        ({**FLAT, "globus.local_endpoint_local_path": "C:\temp"}, "globus.local_endpoint_local_path", "C:/data"),
        ({**FLAT, "globus.local_endpoint_subdir": "C:/x"}, "globus.local_endpoint_subdir", "/C/data"),
        ({**FLAT, "globus.local_endpoint_subdir": "/a/../b"}, "globus.local_endpoint_subdir", "full path"),
        ({"globus.local_endpoint_subdir": "x"}, "globus.local_endpoint is missing", "globus.local_endpoint"),
        ({"globus.local_endpoints": {"raw-ephys": {"endpoint": UUID}}}, "raw-ephys", "endpoint_subdir"),
        ({"globus.local_endpoints": {"raw-ephys": {"endpoint_pth": "x"}}}, "raw-ephys", "endpoint_path?"),
        ({"globus.local_endpoints": ["x"]}, "globus.local_endpoints", "raw-ephys"),
        ({"globus.storage_locations": {"x/y": [UUID, "/"]}}, "x/y", "letters"),
        ({"globus.storage_locations": {"wide-field": [UUID, "/"]}}, "wide-field", "dataset_type"),
        ({"globus.storage_locations": [["raw-ephys", UUID, "/"], ["Raw-Ephys", UUID, "/x"]]}, "twice", "one"),
        ({"globus.storage_locations": {"raw-ephys": {"endpoint": "petrel#rig", "path": "/"}}}, "petrel#rig", "UUID"),
    ],
)
def test_mistakes_name_the_key_and_the_remedy(document, where, remedy):
    error = refused(document)
    assert str(FILE) in error.message
    assert where in error.message
    assert remedy in error.remedy


def test_the_line_of_a_nested_key_is_its_own():
    text = '{\n "stores": {"port": 1},\n "database": {\n  "port": "x"\n }\n}'
    assert "line 4, database.port" in refused(text).message


def test_keys_and_aliases_written_twice_are_refused():
    assert "twice" in refused(f'{{"globus.client_id": "{UUID}",\n "globus.client_id": "{ARCHIVE}"}}').message
    twice = f'{{"globus.storage_locations": {{"raw-ephys": ["{UUID}", "/"], "raw-ephys": ["{UUID}", "/x"]}}}}'
    assert "raw-ephys is written twice" in refused(twice).message
    same = {"endpoint": UUID, "endpoint_subdir": "/x", "endpoint_path": "x"}
    assert "given twice" in refused({"globus.local_endpoints": {"raw-ephys": [same, same]}}).message


@pytest.mark.parametrize("variable", ["DJ_PORT", "MAPSHELL_GLOBUS_CLIENT_ID", "MAPSHELL_GLOBUS_STORAGE_LOCATIONS"])
def test_a_mistake_in_the_environment_names_the_variable(variable):
    assert f"environment variable {variable}" in refused({}, **{variable: "{nonsense"}).message


# --- finding and reading --------------------------------------------------------------------------------------------


def environ_of(tmp_path, **more):
    return {"MAPSHELL_HOME": str(tmp_path / "home"), **more}


def test_the_file_is_found_upwards_then_in_the_configuration_folder(tmp_path):
    own = tmp_path / "home" / "config" / settings.FILE_NAME
    work = tmp_path / "lab" / "day" / "deep"
    own.parent.mkdir(parents=True)
    work.mkdir(parents=True)
    own.write_text('{"database.prefix": "own_"}', encoding="utf-8")
    assert settings.load(work, environ_of(tmp_path)).file == own
    near = tmp_path / "lab" / settings.FILE_NAME
    near.write_text('{"database.prefix": "near_"}', encoding="utf-8-sig")  # as Windows' Notepad writes it
    assert settings.load(work, environ_of(tmp_path)).database.schema_prefix == "near_"
    named = environ_of(tmp_path, MAPSHELL_CONFIG=str(own))
    assert settings.load(work, named).database.schema_prefix == "own_"


def test_a_named_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="MAPSHELL_CONFIG"):
        settings.load(tmp_path, environ_of(tmp_path, MAPSHELL_CONFIG=str(tmp_path / "none.json")))
    with pytest.raises(ConfigError, match=re.escape("none.json")):
        settings.load(tmp_path, environ_of(tmp_path), file=tmp_path / "none.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b'{\n "a": "\xe9"}', "line 2"), ('{"a": 1}'.encode("utf-16"), "UTF-16"), (b" " * 17_000_000, "large")],
)
def test_a_file_of_other_letters_is_refused(tmp_path, content, says):
    file = tmp_path / settings.FILE_NAME
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        settings.load(tmp_path, environ_of(tmp_path))


def test_an_unknown_time_zone_is_refused(tmp_path):
    (tmp_path / settings.FILE_NAME).write_text('{"archive.timezone": "Berlin"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="Berlin"):
        settings.load(tmp_path, environ_of(tmp_path))
    assert settings.load(tmp_path, environ_of(tmp_path, MAPSHELL_ARCHIVE_TIMEZONE="Europe/Berlin"))
    assert settings.ArchiveSettings().timezone


def test_folders_are_looked_at_when_asked(tmp_path):
    (tmp_path / settings.FILE_NAME).write_text(json.dumps(FLAT), encoding="utf-8")
    loaded = settings.load(tmp_path, environ_of(tmp_path))
    with pytest.raises(ConfigError, match="does not exist") as caught:
        settings.check_folders(loaded)
    assert str(tmp_path / "rig") in caught.value.message
    (tmp_path / "rig").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="is a file"):
        settings.check_folders(loaded)
    (tmp_path / "rig").unlink()
    (tmp_path / "rig").mkdir()
    settings.check_folders(loaded)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_password_that_everybody_can_read_is_warned_of(tmp_path):
    file = tmp_path / settings.FILE_NAME
    file.write_text('{"database.host": "db", "database.password": "hush"}', encoding="utf-8")
    file.chmod(0o644)
    (warning,) = settings.load(tmp_path, environ_of(tmp_path)).warnings
    assert "chmod 600" in warning
    assert "hush" not in warning
    file.chmod(0o600)
    assert settings.load(tmp_path, environ_of(tmp_path)).warnings == ()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that a process works in")
def test_a_working_directory_that_is_gone_is_survived(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert settings.load(environ=environ_of(tmp_path, HOME=str(tmp_path))).file is None


def test_the_template_loads_once_its_placeholders_are_replaced(tmp_path):
    text = (REPOSITORY / "dj_local_conf.json.template").read_text(encoding="utf-8")
    with pytest.raises(ConfigError):
        parse(text)
    filled = re.sub(r"<UUID[^>]*>", UUID, text)
    loaded = parse(re.sub(r"<[a-z][^>]*>", "replaced", filled))
    assert loaded.foreign == loaded.warnings == ()
    assert {root.alias for root in loaded.globus.local_roots} == {"raw-ephys", "raw-video"}
    assert {place.alias for place in loaded.globus.storage_locations} == {"raw-ephys", "raw-video"}


def test_every_key_of_the_table_has_words_and_an_example_that_loads():
    for key in KEYS:
        assert key.help.endswith("."), key.name
        if key.example is not None:
            document = {key.name: key.example}
            if key.name in FLAT:
                document = {**FLAT, **document}
            assert parse(document).origins[key.name] == f"file {FILE}"


# --- properties: whatever comes in, settings or a ConfigError come out ----------------------------------------------

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([UUID, "/x", "~/y"])
)
FIELDS = st.sampled_from(["endpoint", "endpoint_subdir", "endpoint_path", "path", "raw-ephys", "raw-video", "x"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4), max_leaves=8
)
NAMES = st.sampled_from([key.name for key in KEYS] + ["globus", "database", "archive", "history", "globus.token"])
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)


def settings_or_error(document, **environ):
    try:
        assert parse(document, **environ).database.schema_prefix
    except ConfigError as error:
        problem = error
    else:
        return
    assert problem.message
    assert problem.remedy


QUICK = hypothesis_settings(
    max_examples=max(300, hypothesis_settings.default.max_examples),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@QUICK
@given(DOCUMENTS, DOCUMENTS)
def test_any_document_gives_settings_or_a_config_error(top, custom):
    settings_or_error({**top, "custom": custom})


@QUICK
@given(st.text(alphabet="{}[]\":,\\/'# \n\tabcC1true", max_size=40))
def test_any_text_gives_settings_or_a_config_error(text):
    settings_or_error(text)


@QUICK
@given(st.sampled_from([name for key in KEYS for name in key.variables]), st.text(max_size=12))
def test_any_environment_gives_settings_or_a_config_error(variable, value):
    settings_or_error({}, **{variable: value})


# --- who gets the report --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["notify", "a b", ";"], ("notify", "a b", ";")),
        ("notify 'a b' c", ("notify", "a b", "c")),
        ("~/bin/tell --to lab", (str(HOME / "bin/tell"), "--to", "lab")),
        (["./tell.py", "./data"], (str(FILE.parent / "tell.py"), "./data")),
        (["/opt/tell"], ("/opt/tell",)),
    ],
    ids=["list", "text", "home", "beside the file", "absolute"],
)
def test_the_command_that_gets_the_report(value, words):
    assert parse({"notify.command": value}).notify.command == words


@pytest.mark.parametrize(
    "value",
    ["tell | mail", "", "tell 'open", [], [""], [3], {"a": 1}, ["tell", "a\nb"], 5],
    ids=["pipe", "empty", "quote", "no words", "no program", "number in it", "object", "line end", "number"],
)
def test_what_is_no_command_is_refused(value):
    assert "notify.command" in refused({"notify.command": value}).message


def test_the_command_from_the_environment():
    assert parse({}, MAPSHELL_NOTIFY_COMMAND='["tell", "a b"]').notify.command == ("tell", "a b")
    assert parse({}, MAPSHELL_NOTIFY_COMMAND="tell 'a b'").notify.command == ("tell", "a b")


def test_windows_paths_keep_their_backslashes():
    assert split(r'C:\tools\tell.exe "a b"', "x", windows=True) == [r"C:\tools\tell.exe", "a b"]


def test_report_and_notify_of_others_under_custom_are_left_alone():
    found = parse({"custom": {"notify": {"x": 1}, "report.y": 2}})
    assert found.foreign == ("custom.notify", "custom.report.y")
    refused({"notify": {"x": 1}})
