"""What a collection of the sandbox is: a folder plus the ways in which it can misbehave."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.demands import Demand
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REMEDY = "Write UUID=FOLDER, with options after commas: UUID=FOLDER,mapped,read-only."
_OPTIONS = {"mapped": "mapped", "personal": "personal", "read-only": "read_only", "offline": "offline"}


@dataclass(frozen=True)
class CollectionSpec:
    """A collection served from a folder.

    Parameters
    ----------
    path
        The folder that is the root of the collection.  Nothing outside of it is ever served.
    name
        Display name; by default the folder's name.
    mapped
        A mapped collection (Globus Connect Server): needs the ``data_access`` consent.
    personal
        A Globus Connect Personal collection: no HTTPS, goes "not connected" when offline.  Neither mapped nor
        personal: a guest collection, which needs no consent.
    home
        Where ``/~/`` leads, as a path in the collection.
    read_only, denied, offline, missing
        Refuse writes; refuse everything; endpoint does not answer; the collection is unknown to Globus.
    quota
        Bytes that may still be written; None: as many as the disk holds.
    https
        Whether HTTPS reads are served (never on personal collections).
    keeps_times
        Whether ``preserve_timestamp`` takes effect at this destination.
    deny
        Shell patterns of paths in the collection that nobody may read or write, such as ``/secret/*``.
    fresh_session
        How long ago, in seconds, the person must have logged in at most; None: any time ago.
    session_requires
        What else a session needs: ``domains``, ``identities`` (ids), ``mfa``, ``policies`` (ids), ``message``; see
        :class:`mapshell.sandbox.demands.Demand`.
    """

    path: Path
    name: str = ""
    mapped: bool = False
    personal: bool = False
    home: str = "/"
    read_only: bool = False
    denied: bool = False
    offline: bool = False
    missing: bool = False
    quota: int | None = None
    https: bool = True
    keeps_times: bool = True
    deny: tuple[str, ...] = ()
    fresh_session: float | None = None
    session_requires: Mapping[str, Any] = field(default_factory=dict)

    @property
    def display_name(self) -> str:
        """Name shown to people."""
        return self.name or self.path.name or "root"

    @property
    def serves_https(self) -> bool:
        """Whether the collection has an HTTPS server."""
        return self.https and not self.personal

    @property
    def session_demand(self) -> Demand | None:
        """What the collection demands of a session; None: nothing."""
        return Demand.read(self.fresh_session, self.session_requires)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {**asdict(self), "path": str(self.path), "deny": list(self.deny)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CollectionSpec:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        UsageError
            A field is unknown or the path is missing.
        """
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown or "path" not in data:
            wrong = f"unknown setting {unknown[0]!r}" if unknown else "no path"
            raise UsageError(f"A collection of the sandbox has {wrong}.", remedy=f"Known: {', '.join(sorted(known))}.")
        values = dict(data)
        values["path"] = Path(values["path"])
        values["deny"] = tuple(values.get("deny", ()))
        spec = cls(**values)
        # Told now rather than at the first listing.
        spec.session_demand  # noqa: B018
        return spec

    def changed(self, changes: Mapping[str, Any]) -> CollectionSpec:
        """Return a copy with some settings changed (JSON names and values)."""
        return self.from_json({**self.to_json(), **changes})


def as_spec(value: Path | str | CollectionSpec) -> CollectionSpec:
    """Accept a bare folder where a spec is expected; the path becomes absolute."""
    spec = value if isinstance(value, CollectionSpec) else CollectionSpec(path=Path(value))
    return replace(spec, path=Path(spec.path).expanduser().absolute())


def check_id(collection_id: str, remedy: str = "See those of the sandbox: mapshell sandbox status") -> str:
    """Return a collection id in its usual spelling.

    Raises
    ------
    UsageError
        It is no UUID.
    """
    try:
        return str(uuid.UUID(collection_id))
    except ValueError as error:
        raise UsageError(f"{collection_id!r} is not a collection id: a UUID is expected.", remedy=remedy) from error


def check_folder(spec: CollectionSpec) -> CollectionSpec:
    """Return a collection whose path is a folder, or nothing yet.

    Raises
    ------
    UsageError
        It is a file.
    """
    if spec.path.exists() and not spec.path.is_dir():
        raise UsageError(
            f"{spec.path} is no folder: a collection serves one.", remedy="Name the folder that it lies in."
        )
    return spec


def parse_collection(text: str) -> tuple[str, CollectionSpec]:
    """Read ``UUID=FOLDER[,option...]`` as typed on a command line.

    Raises
    ------
    UsageError
        The text has another form, or ends with an option that there is not.
    """
    name, separator, rest = text.partition("=")
    if not separator or not rest:
        raise UsageError(f"Cannot read the collection {text!r}.", remedy=_REMEDY)
    flags: dict[str, Any] = {}
    # From the end only: a folder's name may itself contain commas.
    while "," in rest and rest.rpartition(",")[2] in _OPTIONS:
        rest, _, option = rest.rpartition(",")
        flags[_OPTIONS[option]] = True
    collection_id, spec = check_id(name.strip(), _REMEDY), as_spec(CollectionSpec(path=Path(rest), **flags))
    if "," in spec.path.name and not spec.path.exists():
        raise UsageError(
            f"There is no folder {spec.path}, and {rest.rpartition(',')[2]!r} is no option of a collection.",
            remedy=f"Options: {', '.join(_OPTIONS)}. Or make the folder first.",
        )
    return collection_id, check_folder(spec)


def parse_collections(texts: Iterable[str]) -> dict[str, CollectionSpec]:
    """Read several of them.

    Raises
    ------
    UsageError
        One cannot be read, or two have the same id.
    """
    specs: dict[str, CollectionSpec] = {}
    for collection_id, spec in map(parse_collection, texts):
        if collection_id in specs:
            raise UsageError(
                f"The collection {collection_id} is named twice.",
                remedy="Give each folder a UUID of its own.",
            )
        specs[collection_id] = spec
    return specs
