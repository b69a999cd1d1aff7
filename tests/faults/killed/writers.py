"""Every file of state that is written by mapshell: how it gets a content, and what whoever reads it later is told.

Each writer runs in a process that is killed meanwhile; so this module imports what they need when they need it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGE = 6_000
"""How long a content is that no single page of a database holds."""


@dataclass(frozen=True)
class Writer:
    """How a file is written and read.

    Parameters
    ----------
    write
        Gives the file in a folder a content, which is named by a word.
    read
        Returns the word of the content that the file has; None when it says nothing.
    once
        It is written once and then kept: there is no content before the first.
    """

    write: Callable[[Path, str], Any]
    read: Callable[[Path], str | None]
    once: bool = False


def _settings(folder: Path, word: str) -> None:
    from mapshell.config_init import write

    write(folder / "dj_local_conf.json", {"archive.computer": word}, environ={"HOME": str(folder)})


def _read_settings(folder: Path) -> str | None:
    from pipeline import settings

    return settings.load(file=folder / "dj_local_conf.json", environ={"HOME": str(folder)}).archive.computer


def _service(folder: Path, word: str) -> None:
    from pipeline.services import new_state, write_state

    write_state(folder / "state.json", new_state("sandbox", {"word": word, "more": "-" * LARGE}))


def _read_service(folder: Path) -> str | None:
    from pipeline.services import read_raw_state

    state = read_raw_state(folder / "state.json")
    return None if state is None else state.data["word"]


def _tokens(folder: Path, word: str) -> None:
    from globus_sdk.token_storage import TokenStorageData

    from pipeline.globus.tokens import open_store

    store = open_store(folder / "tokens.db", "test")
    names = ("transfer", "auth")
    store.store_token_data_by_resource_server(
        {name: TokenStorageData(name, "me", "s", word, "-" * LARGE, 4_000_000_000, "Bearer") for name in names}
    )
    store.close()


def _read_tokens(folder: Path) -> str | None:
    from pipeline.globus.tokens import open_store

    store = open_store(folder / "tokens.db", "test")
    data = store.get_token_data_by_resource_server()
    store.close()
    assert {len(each.refresh_token or "") for each in data.values()} <= {LARGE}
    (word,) = {each.access_token for each in data.values()} or {None}
    return word


def _notes(folder: Path, word: str) -> None:
    from pipeline.globus.tokens import Notes

    Notes(folder / "tokens.db", "test").remember("a", {"word": word, "more": "-" * LARGE})


def _read_notes(folder: Path) -> str | None:
    from pipeline.globus.tokens import Notes

    return Notes(folder / "tokens.db", "test").collections().get("a", {}).get("word")


def _retrievals(folder: Path, word: str) -> None:
    from pipeline.archive.fetch import Entry, Item, Site
    from pipeline.archive.fetchtasks import complete
    from pipeline.archive.haul import Haul
    from pipeline.archive.ports import TransferRequest
    from pipeline.archive.session import Location, SessionRef
    from pipeline.retrievals import FileJournal

    session = SessionRef(1, 1, "SC038", datetime(2020, 5, 1).date())  # noqa: DTZ001
    site, place = Site(folder.absolute() / "to"), Location("raw-ephys", "there", "/raw", "ephys")
    items = [
        Item(place, session, f"SC038/{uuid.uuid5(uuid.NAMESPACE_OID, str(n))}", 3, 5, None, site) for n in range(99)
    ]
    request = TransferRequest("id", "source", "target", "label", ())
    haul = Haul(request, "me", datetime(2020, 5, 1), 7, None if word == "old" else word)  # noqa: DTZ001
    entry = Entry(uuid.UUID(int=1), haul, items, "rig")
    complete(entry, ".mapshell")
    FileJournal(folder / "retrievals", ".mapshell").save(entry)


def _read_retrievals(folder: Path) -> str | None:
    from pipeline.retrievals import FileJournal

    journal = FileJournal(folder / "retrievals", ".mapshell")
    words = [entry.haul.task_id or "old" for entry in journal.all()]
    assert journal.notes() == []
    return words[0] if words else None


def _machine(folder: Path, word: str) -> None:
    from pipeline.machine import _machine_id

    del word  # it makes its own
    _machine_id(str(folder))


def _read_machine(folder: Path) -> str | None:
    file = folder / "machine-id"
    return None if not file.exists() else ("new" if uuid.UUID(file.read_text("ascii").strip()) else None)


def _knowledge(folder: Path, word: str) -> None:
    from mapshell.completion.knowledge import Knowledge, keep

    keep(Knowledge((word,), (), ("-" * LARGE,)), folder / "completion.json")


def _read_knowledge(folder: Path) -> str | None:
    from mapshell.completion.knowledge import recall

    return next(iter(recall(folder / "completion.json").subjects), None)


def _startup(folder: Path, word: str) -> None:
    from mapshell.completion.installing import install, remove

    environ = {"HOME": str(folder), "MAPSHELL_HOME": str(folder / "own")}
    if word == "old":
        (folder / ".bashrc").write_text("# mine " + "-" * LARGE + "\n", encoding="utf-8")
        remove("bash", environ)
    else:
        install("bash", environ)


def _read_startup(folder: Path) -> str | None:
    from mapshell.completion.terminal import script

    text = (folder / ".bashrc").read_text(encoding="utf-8")
    assert text.startswith("# mine " + "-" * LARGE + "\n"), "what a person had written is gone"
    kept = [path.read_text(encoding="utf-8") for path in (folder / "own").rglob("mapshell.bash")]
    assert kept in ([], [script("bash")])
    if "mapshell" not in text:
        return "old"
    assert text.endswith("\n")
    assert kept
    return "new"


def _checksums(folder: Path, word: str) -> None:
    from pipeline.archive.cachefile import CacheFile

    cache = CacheFile(folder / "sums.db", "CREATE TABLE IF NOT EXISTS sha1 (path TEXT PRIMARY KEY, sha1 TEXT)")
    cache.write("INSERT OR REPLACE INTO sha1 VALUES ('a', ?)", (word + "-" * LARGE,))
    cache.close()


def _read_checksums(folder: Path) -> str | None:
    from pipeline.archive.cachefile import CacheFile

    cache = CacheFile(folder / "sums.db", "CREATE TABLE IF NOT EXISTS sha1 (path TEXT PRIMARY KEY, sha1 TEXT)")
    row = cache.row("SELECT sha1 FROM sha1 WHERE path = ?", ("a",))
    cache.close()
    assert row is None or len(row[0]) == LARGE + 3
    return None if row is None else row[0].rstrip("-")


def _history(folder: Path, word: str) -> None:
    from mapshell.shell.prompt import _Kept

    _Kept(str(folder / "history")).store_string(word)


def _read_history(folder: Path) -> str | None:
    from mapshell.shell.prompt import _Kept

    lines = list(_Kept(str(folder / "history")).load_history_strings()) if (folder / "history").exists() else []
    assert not lines or lines[-1] == "old"
    # What is cut off there is the end of a line that a person sees before it is run again.
    return "old" if lines and "new".startswith(lines[0]) and lines[0] != "new" else next(iter(lines), None)


def _demo(folder: Path, word: str) -> None:
    from mapshell.demo.run import prepare

    del word
    prepare(folder / "demo")


def _read_demo(folder: Path) -> str | None:
    file = folder / "demo" / "dj_local_conf.json"
    return "new" if file.exists() and json.loads(file.read_text(encoding="utf-8")) else None


WRITERS: dict[str, Writer] = {
    "settings": Writer(_settings, _read_settings),
    "state of a service": Writer(_service, _read_service),
    "tokens": Writer(_tokens, _read_tokens),
    "notes of collections": Writer(_notes, _read_notes),
    "journal of retrievals": Writer(_retrievals, _read_retrievals),
    "identity of the machine": Writer(_machine, _read_machine, once=True),
    "what completion knows": Writer(_knowledge, _read_knowledge),
    "start-up file of a person's shell": Writer(_startup, _read_startup),
    "checksums": Writer(_checksums, _read_checksums),
    "history of the shell": Writer(_history, _read_history),
    "settings of a demo": Writer(_demo, _read_demo, once=True),
}
