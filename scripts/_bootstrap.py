"""Make the project's own Python environment, once, and run commands in it.

The launchers beside this file must work on a computer that has Python and nothing else, so only the standard library
is used here, and the version check below must come before anything that an old Python cannot read.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is what tells the user of an old Python
    sys.exit(
        f"mapshell needs Python 3.11 or newer; this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        f"({sys.executable})\n"
        "Install a newer one from https://www.python.org/downloads/ and start the script with it."
    )

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import _folders
import _packages

ROOT = Path(__file__).resolve().parent.parent
STAMP = "mapshell-stamp.json"
LOCK = "mapshell-lock"
FORMAT = 1  # raise it when an environment made by an older launcher must be made anew
OLDEST_PIP = (25, 1)  # the first pip that reads [dependency-groups]


class SetupFailed(Exception):
    """The environment could not be made; the message says why and what to do."""


def prepare(groups: Sequence[str] = ()) -> Path:
    """Return the Python of an environment that holds the project and the dependency groups.

    Quick when there is nothing to do. An environment that an interrupted run left half made, or that belongs to
    another Python or another place, is made anew.
    """
    _folders.give_home()
    key = _key()
    for folder in _folders.environments(ROOT):
        if _folders.trusted(folder, ROOT) and _ready(folder, key, groups):
            return _python(folder)
    folder = next((f for f in _folders.environments(ROOT) if _folders.usable(f)), None)
    if folder is None:
        raise SetupFailed(
            "There is no folder to install into.\n"
            f"Tried: {', '.join(str(f) for f in _folders.environments(ROOT))}.\n"
            "Name one that you may write to in the environment variable MAPSHELL_VENV."
        )
    with _locked(folder):
        if not _ready(folder, key, groups):
            _install(folder, key, groups)
    return _python(folder)


def mapshell(args: Sequence[str]) -> int:
    """Become `mapshell args...` in the project's environment; return its exit code where that cannot be done."""
    try:
        python = prepare()
    except SetupFailed as error:
        say(str(error))
        return 1
    # -P: a folder named `mapshell` or `pipeline` in the working directory must not be taken for ours
    return become([str(python), "-P", "-m", "mapshell", *args])


def become(command: Sequence[str], **environ: str) -> int:
    """Become a command, with these variables added; return its exit code where that cannot be done."""
    environment = {**os.environ, **environ}
    if os.name != "nt":
        os.execve(command[0], list(command), environment)  # noqa: S606 - the whole point: no shell, no second process
    with subprocess.Popen(command, env=environment) as process:  # Windows cannot replace a process
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the child got it too, and ends in its own way
                continue


def launch(arguments: Sequence[str]) -> int:
    """Become the Python of the tests' environment with these arguments, the clone's packages by their own names."""
    try:
        python = prepare(("test",))
    except SetupFailed as error:
        say(str(error))
        return 1
    return become([str(python), *arguments], PYTHONPATH=str(ROOT))


def say(message: str) -> None:
    """Talk to the user, on stderr: stdout belongs to the command that is run."""
    print(message, file=sys.stderr, flush=True)


def _key() -> str:
    """Name everything that decides what an environment must hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = {
        "format": FORMAT,
        "root": str(ROOT),
        "python": [*sys.version_info[:2], sys.implementation.cache_tag, platform.machine()],
        "wants": [project.get(name) for name in ("build-system", "project", "dependency-groups")],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _read_stamp(folder: Path) -> dict[str, object]:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write_stamp(folder: Path, key: str, groups: Sequence[str], *, done: bool) -> None:
    temporary = folder / (STAMP + ".new")
    temporary.write_text(json.dumps({"key": key, "groups": sorted(groups), "done": done}), encoding="utf-8")
    temporary.replace(folder / STAMP)


def _ready(folder: Path, key: str, groups: Sequence[str]) -> bool:
    stamp = _read_stamp(folder)
    have = stamp.get("groups")
    return (
        stamp.get("done") is True
        and stamp.get("key") == key
        and isinstance(have, list)
        and set(groups) <= set(have)
        and os.access(_python(folder), os.X_OK)  # not exists(): that one raises where we may not look
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one launcher at a time work on the environment; a lock of a dead process vanishes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+b") as handle:
        told = False
        while not _try_lock(handle.fileno()):
            if not told:
                say("Waiting: another window is setting up the same environment ...")
                told = True
            time.sleep(0.5)
        yield  # closing the file gives the lock back


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _install(folder: Path, key: str, groups: Sequence[str]) -> None:
    started = time.monotonic()
    stamp = _read_stamp(folder)
    half_made = stamp.get("done") is False
    have = stamp.get("groups")
    wanted = {*groups, *(have if isinstance(have, list) else [])}
    say(f"Setting up the Python environment in {folder} (only the first time) ...")
    if half_made or not _works(_python(folder)):
        _make(folder)
    _write_stamp(folder, key, sorted(wanted), done=False)
    python = str(_python(folder))
    if _pip_version(python) < OLDEST_PIP:
        _pip(python, ["--upgrade", f"pip>={OLDEST_PIP[0]}.{OLDEST_PIP[1]}"])
    options = [word for group in sorted(wanted) for word in ("--group", group)]
    _pip(python, ["--editable", ".", *options])
    _write_stamp(folder, key, sorted(wanted), done=True)
    say(f"Ready after {time.monotonic() - started:.0f} s.")


def _works(python: Path) -> bool:
    """Tell whether the interpreter is there, starts, is of the version that started this script, and has pip."""
    code = "import sys, pip; print(sys.version_info[:2], sys.prefix != sys.base_prefix)"
    try:
        found = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return found.stdout.strip() == f"{sys.version_info[:2]} True"


def _make(folder: Path) -> None:
    try:
        _folders.empty(folder, keep=LOCK)
    except OSError as error:
        raise SetupFailed(
            f"{folder} must be made anew, and cannot be emptied: {error}.\n"
            "Close the programs that run from it (a Python prompt, an editor), or delete the folder by hand."
        ) from error
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        _install_venv_package()
    # a launcher started from inside another environment must not build upon that one
    base = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run(
        [base, "-I", "-m", "venv", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SetupFailed(f"No environment could be made in {folder}:\n{made.stdout.strip()}")


def _install_venv_package() -> None:
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    prefix = _packages.administrator()
    if prefix is not None and shutil.which("apt-get"):
        say(f"This Python lacks venv: installing the Debian package {package} ...")
        if _packages.apt_install(prefix, [package]) is None:
            return
    raise SetupFailed(
        f"This Python ({sys.executable}) comes without venv, which is needed to install anything.\n"
        f"On Debian or Ubuntu: sudo apt install {package}"
    )


def _pip_version(python: str) -> tuple[int, ...]:
    found = subprocess.run(
        [python, "-I", "-c", "import pip; print(pip.__version__)"], capture_output=True, text=True, check=False
    )
    return tuple(int(part) for part in found.stdout.strip().split(".")[:2] if part.isdigit())


def _pip(python: str, what: Sequence[str]) -> None:
    """Run `pip install`, in one changing line; show everything it said when it fails."""
    environment = dict(os.environ, PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore", PIP_USER="0")
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    # -I keeps a foreign PYTHONPATH out of the installation; pip's own PIP_* variables (a mirror, a proxy) still count
    command = [python, "-I", "-m", "pip", "install", "--progress-bar", "off", "--no-color", *what]
    lively = sys.stderr.isatty()
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
        for line in process.stdout:
            lines.append(line.rstrip())
            if lively and line.split(" ", 1)[0] in {"Collecting", "Downloading", "Building", "Installing"}:
                sys.stderr.write("\r\033[K  " + line.strip()[:70])
                sys.stderr.flush()
    if lively:
        sys.stderr.write("\r\033[K")
    if process.returncode:
        raise SetupFailed(
            "\n".join(lines[-40:]) + "\n\npip could not install what mapshell needs (its own words are above).\n"
            "Usually the network or a proxy is in the way; mend that and start the script again: it goes on from here."
        )
