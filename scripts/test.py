r"""Set everything up, then check the project: formatting, lint, types, packages with known vulnerabilities, every test.

A computer with Python and nothing else will do.

python3 scripts/test.py                 everything, with a summary at the end      (Windows: py scripts\test.py)
python3 scripts/test.py --no-tests      only formatting, lint, types and the audit
python3 scripts/test.py -k naming -x    only tests: any other arguments go to pytest as they are
python3 scripts/test.py --real-globus SRC-UUID:/PATH DST-UUID:/PATH
                                        the sandbox's conformance table against the real Globus, with your account:
                                        says what it will do, and asks (--help after it: more). Nothing else here
                                        ever contacts the real service.

The database tests run on the embedded PostgreSQL and on a private MariaDB server; the Debian packages with its program
are installed where this user may install packages. Where MariaDB cannot be had, the run says so and goes on without; so
it does where the service that knows vulnerable packages cannot be reached.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass

import _audit
import _bootstrap
import _packages

GROUPS = ("lint", "test", "audit")
REAL_GLOBUS = "--real-globus"
ABSENT = ("MAPSHELL_TEST_MARIADB", "absent")  # tells the tests' fixtures that there is no MariaDB to look for
CHECKS = {
    "format": ["-m", "ruff", "format", "--check", "."],
    "lint": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
    "audit": ["-m", "pip_audit"],
    "tests": ["-m", "pytest"],
}
# A full run shares the work among processes, in long stretches: most of what a file sets up, it sets up once. At the
# end whoever has nothing left to do takes over from the others. Tests wait for servers, too: more processes than
# processors keep these busy.
ALL_TESTS = ["-n", str(min(3 * (os.cpu_count() or 2) // 2, 6)), "--dist", "worksteal"]


@dataclass(frozen=True)
class Result:
    """How one step ended: its exit code, how long it took, in seconds, and why it was not made, where it was not."""

    step: str
    code: int
    seconds: float
    not_made: str | None = None


def main(args: list[str]) -> int:
    """Run what was asked for; return 0 when all of it is well, 1 when not, 130 when interrupted."""
    if args in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    try:
        python = _bootstrap.prepare(GROUPS)
    except _bootstrap.SetupFailed as error:
        _bootstrap.say(str(error))
        return 1
    if args[:1] == [REAL_GLOBUS]:
        command = [python, str(_bootstrap.ROOT / "tests" / "conformance"), *args[1:]]
        return subprocess.run(command, check=False).returncode
    steps = {"tests": [*CHECKS["tests"], *args]} if args else {**CHECKS, "tests": [*CHECKS["tests"], *ALL_TESTS]}
    if args == ["--no-tests"]:
        steps = {name: command for name, command in CHECKS.items() if name != "tests"}
    missing = mariadb_reason() if "tests" in steps else None
    if missing:
        banner("NO MARIADB: its half of the database tests does not run.", missing)
    elif "tests" in steps and sys.platform != "win32":
        lacking = _packages.provide_faketime()
        if lacking:
            banner("NO LIBFAKETIME: the simulated month runs on PostgreSQL only.", lacking)
    stdin = None if args else subprocess.DEVNULL  # `--pdb` talks to the user; a full run asks nobody
    results = []
    try:
        for step, command in steps.items():
            print(f"\n=== {step}: {' '.join(command[1:])}", flush=True)
            started = time.monotonic()
            if step == "audit":
                seen = _audit.audit(python, _bootstrap.ROOT)
                print(seen.text or f"NOT MADE: {seen.not_made}.", flush=True)
                results.append(Result(step, seen.code, time.monotonic() - started, seen.not_made))
                continue
            done = subprocess.run(
                [python, *command], cwd=_bootstrap.ROOT, env=environment(missing), stdin=stdin, check=False
            )
            results.append(Result(step, done.returncode, time.monotonic() - started))
    except KeyboardInterrupt:
        summarise(results, missing)
        print("Interrupted.")
        return 130
    summarise(results, missing)
    return 1 if any(result.code for result in results) else 0


def mariadb_reason() -> str | None:
    """See to it that MariaDB's program is there; return None, or why the tests must do without."""
    if os.environ.get(ABSENT[0]) == ABSENT[1]:
        return f"The environment says so: {'='.join(ABSENT)}."
    reason: str | None = _packages.provide_mariadb()
    return reason


def environment(missing: str | None) -> Mapping[str, str]:
    """Return the environment of the checks: where MariaDB stands, and caches that can be written."""
    found = dict(os.environ)
    if missing:
        found[ABSENT[0]] = ABSENT[1]
    if not os.access(_bootstrap.ROOT, os.W_OK):
        found |= {"MYPY_CACHE_DIR": os.devnull, "RUFF_NO_CACHE": "true", "PYTHONDONTWRITEBYTECODE": "1"}
        found["HYPOTHESIS_STORAGE_DIRECTORY"] = f"{tempfile.gettempdir()}/mapshell-hypothesis"
        found["PYTEST_ADDOPTS"] = f"{found.get('PYTEST_ADDOPTS', '')} -p no:cacheprovider"
    return found


def banner(title: str, text: str) -> None:
    """Print what must not be overlooked."""
    print("\n" + "!" * 100 + f"\n!! {title}\n" + "\n".join(f"!! {line}" for line in text.splitlines()))
    print("!" * 100, flush=True)


def summarise(results: list[Result], missing: str | None) -> None:
    """Print one line per step, and once more what was left out."""
    print("\n=== summary")
    for result in results:
        verdict = "ok" if result.code == 0 else f"FAILED (exit {result.code})"
        verdict = f"NOT MADE: {result.not_made}" if result.not_made else verdict
        print(f"{result.step:<8} {result.seconds:7.1f} s  {verdict}")
    if missing:
        print("MariaDB      ABSENT: the database tests ran on PostgreSQL only")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
