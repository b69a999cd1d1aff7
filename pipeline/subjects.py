"""Subjects by any of their names: water restriction or subject id."""

from __future__ import annotations

from pipeline import lab
from pipeline.errors import UsageError


def resolve(name: str | int) -> int:
    """Return the subject id of ``SC038`` or ``407513``.

    Raises
    ------
    UsageError
        There is no such subject; near names are suggested.  Or a lab's own tables give the name to several.
    """
    text = str(name).strip()
    rows = [(row["water_restriction_number"], row["subject_id"]) for row in lab.WaterRestriction.to_dicts()]
    several = sorted(subject_id for h2o, subject_id in rows if h2o.casefold() == text.casefold())
    if len(several) > 1:
        raise UsageError(
            f"{text} is the water restriction of several subjects: {', '.join(map(str, several))}.",
            remedy="name the animal by its subject id.",
        )
    names = dict(rows)
    if text in names:
        return int(names[text])
    folded = {known.casefold(): subject_id for known, subject_id in names.items()}
    if text.casefold() in folded:
        return int(folded[text.casefold()])
    if text.isdigit() and lab.Subject() & {"subject_id": int(text)}:
        return int(text)
    raise UsageError(f"There is no subject {text}.", remedy=_suggestion(text, names))


def _suggestion(text: str, names: dict[str, int]) -> str:
    import difflib

    known = [*names, *(str(subject_id) for subject_id in names.values())]
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    if not known:
        return (
            "there is no subject yet in this database (`mapshell config show` says which it is); enter them with "
            "`mapshell ingest-subjects FILE`, or bring them back from the archive: `mapshell publication-discover "
            "--create-sessions`."
        )
    return "subjects are named by water restriction or subject id; new ones enter with `mapshell ingest-subjects FILE`."
