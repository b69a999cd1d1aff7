"""Play `mapshell shell` in a real terminal on the lab of the demo, and write what the screen showed into docs/shell.md.

.venv/bin/python scripts/shell_recording.py          the screens stand between the marks `recording` in that page

Needs the group `test` (pip install --group test) and a system with pseudo terminals.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "shell.md"
_MARKED = re.compile(r"(<!-- recording -->\n).*?(<!-- end of recording -->)", re.DOTALL)
_PASTED = "Paste the code that it shows:"
_EMPTY = re.compile(r"\n{3,}")


def main() -> int:
    """Play, write; return the exit code."""
    from mapshell.sandbox.consent import code_from_page
    from scripts._shell_story import STORY, play
    from scripts._terminal import Terminal

    program = str(Path(sys.executable).with_name("mapshell"))
    with tempfile.TemporaryDirectory(prefix="mapshell-shell-") as folder:
        lab = Path(folder) / "lab"
        environ = {**os.environ, "MAPSHELL_HOME": str(Path(folder) / "home")}
        environ["PATH"] = os.pathsep.join([str(Path(program).parent), environ.get("PATH", "")])
        demo = [program, "demo", "--dir", str(lab)]
        subprocess.run([*demo, "--prepare"], env=environ, check=True, stderr=subprocess.DEVNULL)
        try:
            shots: dict[str, list[str]] = {act.title: [] for act in STORY}
            with Terminal([program, "shell"], lab, environ) as terminal:
                for act, number in play(terminal, code_from_page):
                    if number in act.shots:
                        shots[act.title].append(_shown(terminal.text, folder))
                terminal.end()
        finally:
            subprocess.run([*demo, "--stop"], env=environ, check=True, stderr=subprocess.DEVNULL)
    parts = []
    for act in STORY:
        parts.append(f"### {act.title}\n\n{act.about}\n")
        parts += [f"```text\n{shot}\n```\n" for shot in shots[act.title]]
    text = PAGE.read_text(encoding="utf-8")
    recorded = "\n".join(parts)
    new = _MARKED.sub(lambda found: f"{found[1]}\n{recorded}\n{found[2]}", text)
    PAGE.write_text(new, encoding="utf-8", newline="\n")
    print(f"{PAGE.relative_to(ROOT)}: {sum(map(len, shots.values()))} screens")
    return 0


def _shown(text: str, folder: str) -> str:
    """Return the part of a screen that belongs to the last line that was typed, without this computer's folders."""
    lines = text.replace(folder, "…").splitlines()
    prompts = [number for number, line in enumerate(lines) if line.startswith("mapshell") and ">" in line[:40]]
    typed = [number for number in prompts if lines[number].partition(">")[2].strip()]
    pasted = [number for number, line in enumerate(lines) if line.startswith(_PASTED)]
    shown = lines[typed[-1] :] if typed else lines[pasted[-1] :] if pasted else lines
    shown = [f"{_PASTED} …" if line.startswith(_PASTED) else line for line in shown]
    return _EMPTY.sub("\n\n", "\n".join(line.rstrip() for line in shown))


if __name__ == "__main__":
    sys.exit(main())
