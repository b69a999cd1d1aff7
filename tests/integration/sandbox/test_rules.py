"""Pure parts of the sandbox."""

from __future__ import annotations

import fnmatch
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.front import path_kind
from mapshell.sandbox.listing import file_filter, number, ordered, parse_time, strings
from mapshell.sandbox.paths import split, to_disk, to_wire
from mapshell.sandbox.scopes import ScopeError, ScopeNode, by_resource_server, parse
from mapshell.sandbox.selection import included
from mapshell.sandbox.spec import CollectionSpec, parse_collection, parse_collections
from mapshell.sandbox.taskdocs import base_paths
from mapshell.sandbox.tasks import Item
from pipeline.errors import UsageError

ID = "0d1b4f86-7a4e-4a7d-9f0e-0c5f8e3f0a01"
WORDS = st.text("abc:/._-", min_size=1, max_size=8)
NODES = st.recursive(
    st.builds(ScopeNode, WORDS),
    lambda inner: st.builds(ScopeNode, WORDS, st.lists(inner, max_size=3, unique_by=lambda node: node.name).map(tuple)),
    max_leaves=8,
)


def spelled(node):
    return node.name + (f"[{' '.join(map(spelled, node.dependencies))}]" if node.dependencies else "")


@given(st.lists(NODES, max_size=4, unique_by=lambda node: node.name))
def test_scopes_are_read_as_they_are_written(nodes):
    assert parse(" ".join(map(spelled, nodes))) == tuple(nodes)


def test_scopes_asked_for_twice_are_merged_and_stars_are_no_names():
    assert parse("a[*b] a[c] a") == (ScopeNode("a", (ScopeNode("b"), ScopeNode("c"))),)


@pytest.mark.parametrize("text", ["a[b", "a]b", "[a]", "a[b]]"])
def test_brackets_that_do_not_fit(text):
    with pytest.raises(ScopeError):
        parse(text)


def test_dependencies_must_exist_too():
    nodes = parse(f"urn:globus:auth:scope:transfer.api.globus.org:all[https://auth.globus.org/scopes/{ID}/data_access]")
    assert list(by_resource_server(nodes, lambda _id, name: name == "data_access")) == ["transfer.api.globus.org"]
    with pytest.raises(ScopeError, match="data_access"):
        by_resource_server(nodes, lambda _id, _name: False)


@given(st.text(max_size=30))
def test_split_never_climbs(path):
    try:
        parts = split(path)
    except ApiError:
        return
    assert not {"", ".", ".."} & set(parts)
    assert not any("/" in part or "\0" in part for part in parts)


@pytest.mark.parametrize(
    ("path", "parts"),
    [("/~/a/b", ["home", "a", "b"]), ("a//b/./", ["home", "a", "b"]), ("/a", ["a"]), ("/~", ["home"]), ("/~a", ["~a"])],
)
def test_home(path, parts):
    assert split(path, "/home") == parts


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_names_that_are_not_utf8_come_back(name):
    if os.name == "nt":
        return
    text = os.fsdecode(name)
    wire = to_wire(text)
    wire.encode("utf-8")
    try:
        rest = text.removeprefix("\ufffd").encode("latin-1").decode("utf-8")
    except UnicodeError:
        rest = None
    # A name in UTF-8 that begins with the mark cannot always be told from a marked one.
    if wire != text or not text.startswith("\ufffd") or rest is not None:
        assert os.fsencode(to_disk(wire)) == name


def test_the_first_filter_rule_that_matches_decides():
    rules = [{"method": "include", "name": "*.keep"}, {"method": "exclude", "name": "*", "type": "file"}]
    assert included(rules, "a.keep", "file")
    assert not included(rules, "a.bin", "file")
    assert included(rules, "folder", "dir")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/transfer/v0.10/task/{ID}/cancel", "transfer/task/<id>/cancel"),
        (f"/https/{ID}/some/file", "https/<id>"),
        ("/auth/v2/oauth2/token", "auth/v2/oauth2/token"),
    ],
)
def test_kinds_of_requests(path, kind):
    assert path_kind(path) == kind


def test_collections_on_a_command_line(tmp_path):
    (tmp_path / "a,b").mkdir()
    (tmp_path / "file").touch()
    name, spec = parse_collection(f"{ID.upper()}={tmp_path / 'a,b'},mapped,read-only")
    assert (name, spec) == (ID, CollectionSpec(tmp_path / "a,b", mapped=True, read_only=True))
    assert CollectionSpec.from_json(spec.to_json()) == spec
    for bad in ("x=/tmp", ID, f"{ID}=", f"{ID}={tmp_path / 'file'}"):
        with pytest.raises(UsageError):
            parse_collection(bad)
    with pytest.raises(UsageError, match="'mappd' is no option"):
        parse_collection(f"{ID}={tmp_path},mappd")
    with pytest.raises(UsageError, match="named twice"):
        parse_collections([f"{ID}={tmp_path}", f"{ID.upper()}={tmp_path / 'a,b'}"])


# Lists ----------------------------------------------------------------------------------------------------------

NAMES = st.text("ab.*?[]!~=", max_size=5)


@given(st.lists(NAMES, max_size=6), NAMES.filter(lambda name: name[:1] not in {"!", "~", "="}))
def test_a_name_and_its_negation_share_out_all_entries(names, wanted):
    entries = [{"name": name} for name in names]
    plain, negated = strings("name", f"={wanted}"), strings("name", f"!={wanted}")
    assert [plain(entry) for entry in entries] == [not negated(entry) for entry in entries]
    assert [plain(entry) for entry in entries] == [name == wanted for name in names]


@given(st.lists(st.tuples(st.integers(0, 3), st.text("ab", max_size=2)), max_size=8))
def test_orders_of_several_fields_keep_ties_as_they_were(pairs):
    entries = [{"size": size, "name": name, "at": at} for at, (size, name) in enumerate(pairs)]
    found = ordered(list(entries), "size DESC, name", frozenset({"size", "name"}))
    assert found == sorted(entries, key=lambda entry: (-entry["size"], entry["name"], entry["at"]))


@given(st.lists(st.tuples(st.sampled_from(["include", "exclude"]), st.sampled_from(["*.a", "b*", "?"])), max_size=4))
def test_only_the_first_rule_that_matches_counts(pairs):
    rules = [{"method": method, "name": name} for method, name in pairs]
    for name in ("x.a", "b.a", "b", "c", ""):
        matching = [method for method, pattern in pairs if fnmatch.fnmatchcase(name, pattern)]
        assert included(rules, name, "file") == (not matching or matching[0] == "include")


PATHS = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(st.lists(st.tuples(st.sampled_from(["file", "dir"]), PATHS, PATHS), min_size=1, max_size=4))
def test_base_paths_hold_every_item(moves):
    found = base_paths([Item(number, *move) for number, move in enumerate(moves)])
    for _, source, target in moves:
        assert f"{source}/".startswith(found["source_base_path"])
        assert f"{target}/".startswith(found["destination_base_path"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("1970-01-02", 86_400),
        ("1970-01-01 00:00:05Z", 5),
        ("1970-01-01T01:00:05+01:00", 5),
        ("1970-01-01 00:00:05.5", 5.5),
    ],
)
def test_times_as_clients_write_them(text, seconds):
    assert parse_time(text) == seconds


@given(st.text(max_size=20))
def test_nothing_but_a_refusal_comes_of_nonsense(text):
    for read in (parse_time, lambda text: file_filter([text]), lambda text: number({"limit": text}, "limit", 1)):
        refused = None
        try:
            read(text)
        except ApiError as error:
            refused = error.code
        assert refused in {None, "ClientError.BadRequest"}
