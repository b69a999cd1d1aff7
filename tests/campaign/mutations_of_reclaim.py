"""Guards of the command that deletes data, each broken on purpose: what the campaign must find."""

from dataclasses import replace

from .freeing import FREEING
from .mutation import Mutation, one

_GUARDS = (
    one(
        "memory-believed",
        "a file is not read before it is deleted: the SHA1 that is remembered of it is taken",
        "pipeline/reclaim/proving.py",
        "        read = [(each.file, each.sha1) for each in subject.reads]\n",
        """        import os
        from pipeline.archive.checksums import ChecksumCache
        from pipeline.folders import cache_folder
        memory = ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")
        read = [(each.file, memory.get(each.file) or each.sha1) for each in subject.reads]
""",
    ),
    one(
        "not-listed",
        "the archive is not asked before files are deleted",
        "pipeline/reclaim/proving.py",
        "        return subject.sieve.through(lambda place: look(lister, place, subject.unit.ref, ours))",
        "        return None",
    ),
    one(
        "size-is-enough",
        "of a file that is to be deleted the size alone is compared",
        "pipeline/archive/reclaiming/rules.py",
        "or not entry.proved or entry.sha1 != sha1:",
        "or not entry.proved:",
    ),
    one(
        "copies-not-counted",
        "one copy is enough, however many were asked for",
        "pipeline/archive/reclaiming/counting.py",
        "    if held >= max(1, asked):",
        "    if held >= 1:",
    ),
    one(
        "one-place-twice",
        "two names of one place at the archive are two copies",
        "pipeline/archive/reclaiming/counting.py",
        "        if around(place, found) is None and not any(_unclear(place, other) for other in found):",
        "        if True:",
    ),
    one(
        "age-ignored",
        "files are deleted however young they are",
        "pipeline/archive/reclaiming/rules.py",
        "    if not young:\n        return None",
        "    if True:\n        return None",
    ),
    one(
        "deleted-under-way",
        "files are deleted while a transfer of their session is under way",
        "pipeline/reclaim/proving.py",
        '            if said is not None:\n                return Missing(\n                    "nothing open"',
        '            if False:\n                return Missing(\n                    "nothing open"',
    ),
    Mutation(
        "no-lease",
        "files are deleted without the lease of their session",
        (
            ("pipeline/reclaim/carrying_out.py", "holder = journal.claim(key)", "holder = None"),
            ("pipeline/reclaim/rows.py", "            journal.keep([key])", "            pass"),
        ),
    ),
    one(
        "folder-deleted",
        "the folder of a session is deleted with all that is in it",
        "pipeline/reclaim/carrying_out.py",
        "            delete_empty(where[1], theirs, self._grounds[theirs[0].file.root.local_path])",
        "            __import__('shutil').rmtree(theirs[0].file.root.on_disk(where[1]), ignore_errors=True)",
    ),
    Mutation(
        "strangers-deleted",
        "files that were never archived are deleted with those that were",
        (
            ("pipeline/archive/reclaiming/rules.py", "    if new:\n", "    if False:\n"),
            (
                "pipeline/archive/reclaiming/rules.py",
                "    other = [file.subpath for file in files if entries[file.subpath].size",
                "    other = [file.subpath for file in files if file.subpath in entries and entries[file.subpath].size",
            ),
            (
                "pipeline/archive/reclaiming/rules.py",
                "        if entry is None or not entry.sized",
                "        if entry is None:\n            continue\n        if not entry.sized",
            ),
        ),
    ),
    one(
        "no-tombstone",
        "nothing is left in the place of what was deleted",
        "pipeline/reclaim/stones.py",
        "            ground.write(path[1], to_json(stone))",
        "            pass",
    ),
    Mutation(
        "no-row",
        "no row is written of what is deleted",
        (
            (
                "pipeline/reclaim/rows.py",
                '        large.write(database.connection(), publication.Reclaim, row, "evidence", new=True)',
                "        pass",
            ),
            ("pipeline/reclaim/rows.py", "        lambda: publication.Reclaim.update1(row)", "        lambda: None"),
        ),
    ),
    one(
        "not-looked-at-again",
        "a file is deleted without another look at it",
        "pipeline/archive/reclaiming/deleting.py",
        "            if not each.is_it(now) and not (each.may_be_it(now) and _still(each, ground)):",
        "            if False:",
    ),
    one(
        "drift-forgotten",
        "what verify found lost or changed at the archive does not count",
        "pipeline/archive/reclaiming/rules.py",
        "    elif place.lost:",
        "    elif False:",
    ),
    one(
        "no-way-back",
        "a tombstone's command does not bring the files back",
        "pipeline/archive/reclaiming/rules.py",
        '    return f"mapshell publication-retrieve {options(ref, dataset_type)}"',
        '    return f"mapshell publication-retrieve {options(ref, dataset_type)} --dry-run"',
    ),
)

RECLAIM = tuple(replace(mutation, options={"doubts": 60}, first=FREEING) for mutation in _GUARDS)
"""What guards the deletion of files: looked for in nights in which proofs are missing often."""
