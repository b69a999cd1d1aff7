"""The readers under test, each with what must hold of everything that comes out of it.

A target takes bytes.  It may raise a :class:`MapshellError`, whose words are then looked at; anything else that comes
out of it is a defect of the product.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import rows, spikeglx
from pipeline import settings as product_settings
from pipeline.archive import aliases, evidence
from pipeline.archive.credible import doubt, folders
from pipeline.archive.filenames import parse_file, parse_probe, parse_video
from pipeline.archive.filetypes import classify
from pipeline.archive.foldernames import parse_folder
from pipeline.archive.journal import Part
from pipeline.archive.manifest import from_json, merged, to_json
from pipeline.archive.manifest_names import read_manifest_name
from pipeline.archive.naming import find_session_folder
from pipeline.archive.paths import check_subpath, is_safe, join_local, steers
from pipeline.errors import IntegrityError, MapshellError, NameRefused

from . import samples
from .listing import Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LONGEST_MESSAGE = 4000
ROOT = Path(tempfile.gettempdir()) / "fuzz-root"
_SHA1 = re.compile(r"[0-9a-f]{40}")


class Broken(AssertionError):
    """Something came out of a reader that never may."""


def require(holds: object, what: str) -> None:
    """Make sure of what must hold."""
    if not holds:
        raise Broken(what)


@dataclass(frozen=True)
class Target:
    """One reader: sound inputs to begin with, words that mean something to it, and how it is called.

    ``opened`` gives the function to be called with each input, and ends what it needed; it returns how it went, in a
    word or two.
    """

    name: str
    samples: Callable[[], list[bytes]]
    opened: Callable[[], contextlib.AbstractContextManager[Callable[[bytes], str]]]
    words: Callable[[], Sequence[bytes]] = field(default=tuple)


def outcome(run: Callable[[bytes], str], data: bytes) -> str:
    """Run a target on one input; return how it went, in words that are equal for equal causes.

    Raises
    ------
    Exception
        Whatever else than an error of ours came out of it.
    """
    try:
        return f"read: {run(data)}"
    except MapshellError as error:
        check_words(error)
        return f"{type(error).__name__}: {re.sub(r'[^A-Za-z ]+.*', '', error.message.split(': ', 1)[-1])[:40]}"


def check_words(error: MapshellError) -> None:
    """Make sure that an error can be shown: it says something, is no book, and steers no terminal."""
    require(error.message.strip() and error.remedy.strip(), "an error without words, or without remedy")
    said = f"{error.message} {error.remedy}"
    require(len(said) <= LONGEST_MESSAGE, f"a message of {len(said)} characters: {said[:300]!r}")
    require(not any(map(steers, said)), f"a message that steers a terminal: {said[:1000]!r}")


def within(subpath: str) -> None:
    """Make sure that a name which was let through stays below every root, on every system."""
    require(is_safe(subpath), f"an unsafe path: {subpath!r}")
    for windows in (False, True):
        try:
            path = join_local(ROOT, subpath, windows=windows)
        except NameRefused:
            require(windows, f"a name that is safe and refused: {subpath!r}")
            continue
        require(ROOT in path.parents, f"a path outside of its root: {path}")
        require(".." not in path.parts, f"a path that climbs: {path}")
        require(path.relative_to(ROOT).as_posix() == subpath, f"a path of another name: {path}")


# ---- metas


def _meta(data: bytes) -> str:
    meta = spikeglx.parse_meta(data, name="SC038_g0_t0.imec0.ap.meta")
    require(meta.n_channels > 0 and meta.frame_bytes > 0, "no channels")
    require(math.isfinite(meta.sample_rate) and meta.sample_rate > 0, f"a rate of {meta.sample_rate}")
    require(meta.size is None or meta.size >= 0, "a negative size")
    require(meta.duration is None or math.isfinite(meta.duration), "an endless duration")
    require(meta.sha1 is None or _SHA1.fullmatch(meta.sha1), f"a SHA1 that is none: {meta.sha1}")
    require(meta.complete == ({"fileSizeBytes", "fileTimeSecs", "fileSHA1"} <= meta.raw.keys()), "wrongly complete")
    for size in {0, 1, meta.frame_bytes, meta.size or 0}:
        for defect in spikeglx.defects(meta, size):
            check_words(IntegrityError(defect.message, remedy=defect.remedy))
            require(defect.rule != "size" or meta.size != size, "a size that is right and refused")
    return f"{meta.stream} {meta.band} {meta.catgt} {meta.complete}"


# ---- manifests


def _manifest(data: bytes) -> str:
    said = from_json(data, name="m.json")
    for entry in said.files:
        within(entry.subpath)
        require(0 <= entry.size < 2**63, "a size that no database stores")
    again = from_json(to_json(said), name="m.json")
    require(to_json(again) == to_json(said), "written and read, it is another one")
    lasting = evidence.lasting(said.evidence)
    require(evidence.lasting(lasting) == lasting, "what lasts does not last")
    for old, new in aliases.local_names(said.evidence).items():
        within(old)
        require(is_safe(new), f"a folder now called {new!r}")
    for _, now in aliases.former(said.evidence):
        now("SC038/a/b")
    require(merged(said.files, said.files) == tuple(sorted(said.files, key=lambda entry: entry.subpath)), "merged")
    why = doubt(said, samples.LOCATION, said.subpath)
    require(not any(map(steers, why)) and len(why) < LONGEST_MESSAGE, f"words that steer a terminal: {why!r}")
    if why:
        return f"doubted {re.sub(r'[^a-z ]+.*', '', why)[:30]}"
    _believed(said)
    return "believed"


def _believed(said: object) -> None:
    """Make sure that what is believed can be stored on every database, and journalled."""
    manifest = said
    require(all(entry.subpath.startswith(f"{manifest.session.h2o}/") for entry in manifest.files), "foreign files")
    require(folders(manifest.files), "no folders")
    for row in (rows.dataset_row(manifest), rows.archived_row(manifest), *rows.file_rows(manifest, manifest.files)):
        text = json.dumps(row, default=str, allow_nan=False, ensure_ascii=False)
        text.encode("utf-8")
        require("\\u0000" not in text, "NUL in a row")
    for row, entry in zip(rows.file_rows(manifest, manifest.files), manifest.files, strict=True):
        require(rows.file_entry(row) == entry, "a row that says another thing")
    require(Part.unpack(Part(manifest).pack()).manifest == manifest, "the journal gives back another manifest")


# ---- settings


@contextlib.contextmanager
def _settings() -> Iterator[Callable[[bytes], str]]:
    with tempfile.TemporaryDirectory(prefix="fuzz-settings-") as folder:
        file = Path(folder) / product_settings.FILE_NAME

        def run(data: bytes) -> str:
            file.write_bytes(data)
            found = product_settings.load(file=file, environ={"HOME": folder, "MAPSHELL_HOME": folder})
            name = found.archive.staging_name
            require("/" not in name and "\\" not in name and name not in {"", ".", ".."}, f"staging in {name!r}")
            for root in found.globus.local_roots:
                require(
                    root.globus_path.startswith("/") and ".." not in root.globus_path.split("/"), "a root that climbs"
                )
            for location in found.globus.storage_locations:
                require(
                    location.path.startswith("/") and ".." not in location.path.split("/"), "an archive that climbs"
                )
            require(re.fullmatch(r"[a-z][a-z0-9_]{0,31}", found.database.schema_prefix), "names of schemas")
            if found.database.password:
                shown = repr(found.database.password)
                require(found.database.password.get_secret_value() not in shown or "***" in shown, "a shown password")
            repr(found).encode("utf-8", "backslashreplace")
            return f"{found.database.backend} {len(found.globus.local_roots)} {len(found.globus.storage_locations)}"

        yield run


# ---- names


def _name(data: bytes) -> str:
    name = data.decode("utf-8", "surrogateescape")
    try:
        check_subpath(name)
    except NameRefused as error:
        check_words(error)
        safe = False
    else:
        safe = True
        within(name)
    told = [parse_file(name), parse_probe(name), parse_video(name), read_manifest_name(name, name[:5])]
    for kind in ("ephys", "video"):
        told.append(parse_folder(name, kind))
        found = find_session_folder(name, kind) if safe else None
        require(found is None or name.startswith(found[0]), "a session folder elsewhere")
        told.append(found)
    require(classify(name), "a file without a type")
    return f"{safe} {[each is not None for each in told]}"


def _plain(run: Callable[[bytes], str]) -> Callable[[], contextlib.AbstractContextManager[Callable[[bytes], str]]]:
    return lambda: contextlib.nullcontext(run)


# ---- listings


@contextlib.contextmanager
def _listing() -> Iterator[Callable[[bytes], str]]:
    now = datetime.now(UTC)
    with Listing() as service:

        def run(data: bytes) -> str:
            seen: set[str] = set()
            for subpath, found in service.walk(data):
                if isinstance(found, MapshellError):
                    check_words(found)
                    if isinstance(found, NameRefused):
                        require(not any(map(steers, subpath)), f"a path that steers a terminal: {subpath!r}")
                    else:
                        within(subpath)
                    seen.add(type(found).__name__)
                    continue
                within(subpath)
                require(found.kind != "dir", "a folder that is handed on as a file")
                require(0 <= found.size < 2**63, f"a size of {found.size}")
                require(found.mtime is None or abs(found.mtime) < 2**40, f"a time of {found.mtime}, at {now}")
                seen.add(found.kind)
            return " ".join(sorted(seen))

        yield run


TARGETS = {
    target.name: target
    for target in (
        Target("meta", samples.metas, _plain(_meta)),
        Target("listing", samples.listings, _listing),
        Target("settings", samples.settings, _settings, samples.setting_names),
        Target("manifest", samples.manifests, _plain(_manifest)),
        Target("name", samples.names, _plain(_name)),
    )
}
