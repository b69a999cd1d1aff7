"""Whether a package that is installed has a vulnerability that is publicly known: pip-audit, bounded in time.

An audit that cannot be made is no failure, and no success either: it is said plainly that it was not made.
"""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# A version whose vulnerabilities have been known for long: an index that knows none of it is no advisory service.
PROBE = "https://pypi.org/pypi/urllib3/1.24.1/json"
PATIENCE_S = 5.0
LONGEST_S = 180.0


@dataclass(frozen=True)
class Audit:
    """What came of an audit: its exit code, what to print, and, where it was not made, why."""

    code: int
    text: str
    not_made: str | None = None


def audit(python: Path, folder: Path, *, probe: str = PROBE, environ: Mapping[str, str] | None = None) -> Audit:
    """Audit what is installed beside a Python; the project itself is left out, it is on no index."""
    reason = unreachable(probe)
    if reason is not None:
        return Audit(0, "", reason)
    command = [str(python), "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable"]
    try:
        done = subprocess.run(
            [*command, "--timeout", str(int(PATIENCE_S)), "--desc", "off"],
            cwd=folder,
            env=dict(os.environ if environ is None else environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Audit(0, "", f"it took longer than {LONGEST_S:.0f} s")
    return judge(done.returncode, done.stdout, done.stderr)


def unreachable(probe: str = PROBE) -> str | None:
    """Say why the advisory service cannot be asked; None when it answers, and knows what it must know."""
    try:
        with urllib.request.urlopen(probe, timeout=PATIENCE_S) as answer:  # noqa: S310 - an address of ours
            known = json.load(answer).get("vulnerabilities")
    except urllib.error.HTTPError as error:
        return f"{probe} answers {error.code}: what is there is no advisory service"
    except (OSError, ValueError, AttributeError) as error:
        return f"{probe} cannot be reached ({getattr(error, 'reason', None) or error})"
    return None if known else f"{probe} tells no vulnerability: what answers there is no advisory service"


def judge(code: int, out: str, err: str) -> Audit:
    """Read what pip-audit says: its exit code does not tell a vulnerability from a failure of its own."""
    try:
        packages = json.loads(out)["dependencies"]
        looked = [each for each in packages if "skip_reason" not in each]
        bad = [(each, vulnerability) for each in looked for vulnerability in each["vulns"]]
        lines = [
            f"{each['name']} {each['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none'}"
            for each, known in bad
        ]
    except (ValueError, KeyError, TypeError):
        said = err.strip().splitlines() or ["it said nothing"]
        return Audit(0, "", f"pip-audit failed (exit {code}): {said[-1][:300]}")
    skipped = sorted(each["name"] for each in packages if "skip_reason" in each)
    if not looked or len(skipped) > len(looked):
        return Audit(0, "", f"the service does not know {len(skipped)} of {len(packages)} packages")
    lines.append(f"{len(looked)} packages looked at, {len(bad)} known vulnerabilities")
    lines += [f"not known to the service: {', '.join(skipped)}"] if skipped else []
    return Audit(1 if bad else 0, "\n".join(lines))
