"""Guards of the product, each broken on purpose: what the campaign must find."""

from .mutation import Mutation, one
from .mutations_of_reclaim import RECLAIM

MUTATIONS = (
    one(
        "no-look",
        "after a task succeeded, the archive is not looked at",
        "pipeline/archive/check.py",
        "    for subpath, size in wanted.items():\n        if subpath in compared:",
        "    for subpath, size in ():\n        if subpath in compared:",
    ),
    one(
        "short-files-pass",
        "the size that the archive lists is not compared",
        "pipeline/archive/check.py",
        "        elif listed[subpath] != size:",
        "        elif False:",
    ),
    one(
        "new-id-each-time",
        "a transfer is submitted again under another submission id",
        "pipeline/archive/transfer.py",
        "        task_id = store.submit(entry.request)",
        """        import dataclasses
        request = dataclasses.replace(entry.request, submission_id=store.new_submission_id())
        task_id = store.submit(request)""",
    ),
    Mutation(
        "leases-ignored",
        "a session is taken though another process works on it, and that one is not stopped",
        (
            (
                "pipeline/leases.py",
                '            if held["expires_at"] > now and not self._abandoned(held):',
                "            if False:",
            ),
            (
                "pipeline/leases.py",
                "                if (subject_id, session) not in ours:",
                "                if False:",
            ),
        ),
    ),
    one(
        "dead-lease-kept",
        "the lease of a killed process holds until it ends",
        "pipeline/leases.py",
        '        if not is_process(int(held["process_id"]), float(held["process_began"])):',
        "        if False:",
    ),
    one(
        "manifest-not-seen",
        "a manifest is not looked for at the archive after its transfer",
        "pipeline/archive/describe.py",
        "        if listed.get(subpath) != size:",
        "        if False:",
    ),
    Mutation(
        "commit-before-manifest",
        "rows are committed while the manifest is still on its way",
        (
            (
                "pipeline/archive/gather.py",
                '        if status.state != "SUCCEEDED":\n            wrong, enough',
                "        if False:\n            wrong, enough",
            ),
            (
                "pipeline/archive/describe.py",
                "        if listed.get(subpath) != size:",
                "        if False:",
            ),
        ),
    ),
    one(
        "no-rollback",
        "the rows of a session are written one after the other, without a transaction",
        "pipeline/transitions.py",
        "    table = publication.archived_table(manifest.dataset_type)\n    if manifest.generation == 1:",
        "    table = publication.archived_table(manifest.dataset_type)\n"
        "    database.connection().commit_transaction()\n    if manifest.generation == 1:",
    ),
    one(
        "all-rows-but-one",
        "one file of each generation gets no row",
        "pipeline/transitions.py",
        "    new = [entry for entry in manifest.files if entry.generation == manifest.generation]\n    listed",
        "    new = [entry for entry in manifest.files if entry.generation == manifest.generation][1:]\n    listed",
    ),
    one(
        "manifest-forgets",
        "the manifest of a later generation lists its own files alone",
        "pipeline/archive/manifest.py",
        "    by_path = {entry.subpath: entry for entry in earlier}\n    by_path.update(",
        "    by_path = {}\n    by_path.update(",
    ),
    one(
        "any-bytes-fetched",
        "what was fetched gets its name without a comparison of its SHA1",
        "pipeline/archive/settle.py",
        "        if found == item.sha1:",
        "        if True:",
    ),
    one(
        "different-is-replaced",
        "retrieve replaces a different file without --overwrite",
        "pipeline/archive/fetchplan.py",
        "    if overwrite:\n        item.judge",
        "    if True:\n        item.judge",
    ),
    one(
        "bytes-never-differ",
        "verify calls every SHA1 the same",
        "pipeline/archive/readback.py",
        '    return Checked(item, "same" if sha1 == item.entry.sha1 else "different", how, sha1)',
        '    return Checked(item, "same", how, sha1)',
    ),
    one(
        "missing-not-told",
        "verify does not tell of files that no listing named",
        "pipeline/archive/presence.py",
        "            if not seen.unseen(entry.subpath):\n",
        "            if False:\n",
    ),
    Mutation(
        "unfinished-pass",
        "a recording whose meta is not finished passes the gate",
        (
            (
                "pipeline/archive/integrity.py",
                "    if not meta.complete:\n        defects.append(",
                "    if False:\n        defects.append(",
            ),
            (
                "pipeline/spikeglx.py",
                "    if not meta.complete:\n        missing = ",
                "    if False:\n        missing = ",
            ),
        ),
    ),
    one(
        "adopted-unread",
        "a file of the right size at the archive is adopted, whatever its bytes",
        "pipeline/archive/adoption/compare.py",
        "        if seen.sha1 == here:",
        "        if True:",
    ),
    one(
        "everything-is-ours",
        "whatever stands at the archive under a wanted name is taken for what our own transfer left",
        "pipeline/archive/depart.py",
        "    remote, ours = sizes(there), set(round_.journal.leftovers(key))",
        "    remote, ours = sizes(there), set(sizes(there))",
    ),
    one(
        "leftovers-stay",
        "what a failed transfer left is not put aside",
        "pipeline/archive/submit.py",
        '    set_aside(round_, (subpath for subpath in prepared.aside if subpath in names), "unfinished")',
        "    pass",
    ),
    Mutation(
        "overwrites",
        "transfers replace what stands at the archive, and names that are taken are sent to",
        (
            ("pipeline/globus/documents.py", '        "sync_level": 0,', '        "sync_level": 3,'),
            (
                "pipeline/archive/plan.py",
                '    if there < 0:\n        return as_("conflict"',
                '    if there >= 0:\n        return as_("send"',
            ),
        ),
    ),
    one(
        "discover-believes",
        "discover makes rows of a manifest without a look at its files",
        "pipeline/archive/confirm.py",
        '                if listed is None or listed.kind != "file":',
        """                if listed is None or True:
                    continue
                if listed.kind != "file":""",
    ),
    Mutation(
        "discovered-but-one",
        "discover leaves out a file of each manifest",
        (
            (
                "pipeline/rebuild.py",
                "        database.bulk_insert(publication.DataSet.PhysicalFile, file_rows(manifest, new))\n",
                "        database.bulk_insert(publication.DataSet.PhysicalFile, file_rows(manifest, list(new)[1:]))\n",
            ),
            (
                "pipeline/discovery/pages.py",
                "(file_rows(manifest, manifest.files) for",
                "(file_rows(manifest, manifest.files[1:]) for",
            ),
        ),
    ),
    one(
        "wrong-day",
        "a folder is given to another session of its animal than that of its day",
        "pipeline/archive/matching_rules.py",
        "    that_day = [session for session in ours if session.session_date == day]",
        "    that_day = sorted(ours, key=lambda s: s.session_date)[:1]",
    ),
    one(
        "status-before-commit",
        "status calls archived what is still on its way",
        "pipeline/board/deciding.py",
        '        return "in flight", facts if key in archived else',
        '        return "archived", facts if key in archived else',
    ),
    one(
        "failures-end-well",
        "a command ends with 0 though something needs a person",
        "mapshell/errors.py",
        "    if not result.whole:\n        raise Partial",
        "    if not result.whole:\n        return",
    ),
    one(
        "password-in-manifest",
        "a manifest tells the password of the database",
        "pipeline/work.py",
        '        "database": database.describe(),',
        '        "database": {**database.describe(), "word": database.connection().target.password},',
    ),
    one(
        "times-touched",
        "reading a recording for its checksum sets its time",
        "pipeline/archive/checksums.py",
        "        if file.size <= min(_SMALL, _BLOCK):\n",
        "        os.utime(file.where)\n        if file.size <= min(_SMALL, _BLOCK):\n",
    ),
    one(
        "settled-too-early",
        "a transfer of the journal is closed before its rows are committed",
        "pipeline/archive/gather.py",
        '        self._round.journal.commit(flight.manifest, flight.entry.advanced("done"))\n',
        '        self._round.journal.advance(flight.entry.advanced("done"))\n',
    ),
    one(
        "round-ends-well",
        "a round of publishing ends with 0 though sessions failed",
        "pipeline/report.py",
        "self.nameless or any(outcome.failed for outcome in self.outcomes))",
        "self.nameless)",
    ),
    one(
        "retrieval-ends-well",
        "a retrieval ends with 0 though files are not where they were asked for",
        "pipeline/retrieved.py",
        "        return self.stopped is None and not self.awaited and not any(each.bad for each in self.files)",
        "        return True",
    ),
    *RECLAIM,
)
