"""Writes the settings file of this computer, from options and answers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import folders
from pipeline.errors import ConfigError, LocalDiskError, ServiceError, UsageError
from pipeline.services import write_private
from pipeline.settings import Settings, parse
from pipeline.settings.globus import storage_locations
from pipeline.settings.keys import BY_NAME
from pipeline.settings.text import Source
from pipeline.settings.values import as_globus_path, convert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.context import Context
    from mapshell.output import Output


class Option(Source):
    """An option of the command line as the place where something stands."""

    def __init__(self, name: str) -> None:
        super().__init__(name, None)

    def place(self, key: str) -> str:
        """Return the option's name."""
        del key
        return self.text


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that the file must or may say: the option's name, its key, how it is asked for."""

    option: str
    key: str
    text: str
    required: bool = False


QUESTIONS = (
    Question("client_id", "globus.client_id", "Client id of your application at Globus", required=True),
    Question("local_endpoint", "globus.local_endpoint", "UUID of this computer's Globus collection", required=True),
    Question(
        "local_path", "globus.local_endpoint_local_path", "Folder with the recordings on this computer", required=True
    ),
    Question("globus_path", "globus.local_endpoint_subdir", "The same folder as Globus shows it", required=True),
    Question("database_host", "database.host", "Database server (empty: a database on this computer)"),
)
ARCHIVES = (
    ("ephys_archive", "raw-ephys", "Archive of recordings, UUID:/path (empty: the database knows it)"),
    ("video_archive", "raw-video", "Archive of videos, UUID:/path (empty: the database knows it)"),
)
OTHER_OPTIONS = {
    "database_backend": "database.backend",
    "database_port": "database.port",
    "database_user": "database.user",
    "database_name": "database.name",
}
OF_SERVER = tuple(OTHER_OPTIONS)


def refuse_to_overwrite(file: Path, *, force: bool) -> None:
    """Raise ``UsageError`` when ``file`` exists and may not be replaced."""
    if file.exists() and not force:
        raise UsageError(
            f"{file} exists already.", remedy="edit it, or replace it with --force (the old one is kept beside it)."
        )


def complete(given: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the keys and values of the new file: from the options, from what is installed, and by asking.

    Raises
    ------
    UsageError
        Something is missing and nobody is there to be asked.
    pipeline.errors.ConfigError
        A value cannot be used.
    """
    home = folders.home(context.environ)
    answers = dict(given)
    if "local_endpoint" not in answers and (found := installed_endpoint()) is not None:
        if context.interactive:
            context.output.say(f"Globus Connect Personal is installed here: {found}")
        answers["local_endpoint"] = _ask(QUESTIONS[1], found, home) if context.interactive else found
    missing = [question for question in QUESTIONS if question.required and answers.get(question.option) is None]
    if missing and not context.interactive:
        options = ", ".join("--" + question.option.replace("_", "-") for question in missing)
        raise UsageError(
            f"nobody can be asked here, and {options} {'is' if len(missing) == 1 else 'are'} missing.",
            remedy=f"add {options}.",
        )
    if context.interactive:
        for question in QUESTIONS:
            if question.option not in answers:
                suggested = ""
                if question.option == "globus_path":
                    suggested = globus_path_of(_absolute(answers["local_path"], home))
                answers[question.option] = _ask(question, suggested, home)
        for option, _, text in ARCHIVES:
            if option not in answers:
                answers[option] = _ask_archive(option, text)
        if answers.get("database_host"):
            _ask_server(answers)
    if not answers.get("database_host") and (stray := [name for name in OF_SERVER if name in answers]):
        raise UsageError(
            f"--{stray[0].replace('_', '-')} needs --database-host.",
            remedy="add --database-host, or leave it away for a database on this computer.",
        )
    keys = {question.option: question.key for question in QUESTIONS} | OTHER_OPTIONS
    chosen = {keys[option]: value for option, value in answers.items() if option in keys and value not in {None, ""}}
    for name, value in chosen.items():
        converted = convert(BY_NAME[name], value, place=f"--{_option(name, keys)}", base=Path.cwd(), home=home)
        chosen[name] = converted if isinstance(converted, (str, int)) else value
    chosen["globus.local_endpoint_local_path"] = _absolute(str(chosen["globus.local_endpoint_local_path"]), home)
    as_globus_path(chosen["globus.local_endpoint_subdir"], "--globus-path")
    archives = {alias: answers[option] for option, alias, _ in ARCHIVES if answers.get(option)}
    for option, _, _ in ARCHIVES:
        _check_archive(option, answers.get(option))
    if archives:
        chosen["globus.storage_locations"] = archives
    return {name: chosen[name] for name in BY_NAME if name in chosen}


def write(file: Path, keys: Mapping[str, Any], *, environ: Mapping[str, str]) -> Settings:
    """Write the file whole or not at all, readable by its owner alone; a file that was there is kept as ``.old``.

    Raises
    ------
    ConfigError
        The values do not fit together.
    LocalDiskError
        The folder cannot be written to.
    """
    text = json.dumps(keys, indent=4, ensure_ascii=False) + "\n"
    settings = parse(text, file=file.absolute(), environ={"HOME": str(folders.home(environ))})
    try:
        if file.exists():  # copied, not renamed: at every instant there is a whole file of its name
            write_private(file.with_name(f"{file.name}.old"), file.read_bytes())
        write_private(file, text.encode())
    except (OSError, ServiceError) as error:
        why = error.__cause__ if isinstance(error, ServiceError) else error
        raise LocalDiskError(
            f"{file}: cannot be written: {getattr(why, 'strerror', None) or why}.",
            remedy="choose another place with --file, or free the disk.",
        ) from None
    return settings


def tell_next(output: Output, settings: Settings) -> None:
    """Say what is worth knowing after the file is written."""
    for root in settings.globus.shared_roots:
        if not root.local_path.is_dir():
            output.warn(f"the folder {root.local_path} does not exist yet on this computer.")
    if settings.database.host and settings.database.password is None:
        output.say("The database password is read from the environment variable DJ_PASS.")
    output.say("Next: mapshell config show, then mapshell login")


def installed_endpoint() -> str | None:
    """Return the collection UUID of Globus Connect Personal where it is installed, through Globus' own library."""
    import globus_sdk

    try:
        found = globus_sdk.LocalGlobusConnectPersonal().endpoint_id
    except (globus_sdk.GlobusError, OSError, ValueError):
        return None  # a broken installation is no reason not to ask
    return str(found).lower() if found else None


def globus_path_of(local_path: str) -> str:
    """Return the path under which Globus Connect Personal usually shows a folder: ``D:/x`` is ``/D/x``."""
    drive, slash = local_path[:2], local_path.replace("\\", "/")
    if len(drive) == 2 and drive[1] == ":" and drive[0].isalpha():
        return f"/{drive[0].upper()}/{slash[2:].strip('/')}".rstrip("/") or "/"
    return slash.rstrip("/") or "/"


def _ask(question: Question, suggested: str, home: Path) -> str:
    """Ask until the answer can be used."""
    key = BY_NAME[question.key]

    def check(text: Any) -> str:
        answer = str(text).strip()
        if not answer and not question.required:
            return ""
        try:
            convert(key, answer, place=question.text, base=Path.cwd(), home=home)
            if question.option == "globus_path":
                as_globus_path(answer, question.text)
        except ConfigError as error:
            raise click.BadParameter(f"{error.message} {error.remedy}") from None
        return answer

    default = suggested or (None if question.required else "")
    answer: str = click.prompt(question.text, default=default, value_proc=check, err=True, show_default=bool(suggested))
    return answer


def _check_archive(option: str, text: str | None) -> None:
    if text:
        place = Option("--" + option.replace("_", "-"))
        storage_locations({"ephys" if option.startswith("ephys") else "video": text}, place, "")


def _ask_archive(option: str, text: str) -> str:
    """Ask until the answer can be used."""

    def check(answer: Any) -> str:
        try:
            _check_archive(option, str(answer).strip())
        except ConfigError as error:
            raise click.BadParameter(f"{error.message} {error.remedy}") from None
        return str(answer).strip()

    answer: str = click.prompt(text, default="", value_proc=check, err=True, show_default=False)
    return answer


def _ask_server(answers: dict[str, Any]) -> None:
    if "database_backend" not in answers:
        answers["database_backend"] = click.prompt(
            "Kind of server", type=click.Choice(["mysql", "postgresql"]), default="mysql", err=True
        )
    if "database_user" not in answers:
        answers["database_user"] = click.prompt("Account there", default="", show_default=False, err=True)


def _absolute(text: str, home: Path) -> str:
    path = convert(BY_NAME["globus.local_endpoint_local_path"], text, place="--local-path", base=Path.cwd(), home=home)
    return Path(path).as_posix() if os.name == "nt" else str(path)


def _option(name: str, keys: Mapping[str, str]) -> str:
    return next(option for option, key in keys.items() if key == name).replace("_", "-")
