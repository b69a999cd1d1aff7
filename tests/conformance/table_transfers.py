"""The table's chapters about transfers, with every option that ``globus transfer`` has."""

from __future__ import annotations

import hashlib

from .rows import Chapter, Row
from .table_files import TREE, A, B, C

ACCEPTED = (
    "Message: The transfer has been accepted and a task has been created and queued for execution\nTask ID: <uuid>"
)
OTHER = "world\n"  # as long as A


def _sum(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


def _show(name: str, task: str, *, needs: str = "", real: bool = True, **fields: object) -> Row:
    """Return a row that looks at fields of a task's document."""
    line = f"task show {{{task}}} -F json --jmespath [{','.join(fields)}]"
    return Row(name, line, data=list(fields.values()), needs=needs, real=real)


TRANSFERS = Chapter(
    "transfers",
    (
        Row("one file", "transfer {src}/a.txt {dst}/a.txt", out=ACCEPTED, task="plain", there={"a.txt": A}),
        _show("what holds unless told", "plain", label=None, verify_checksum=True, preserve_timestamp=False,
              encrypt_data=False, sync_level=None, skip_source_errors=False, fail_on_quota_errors=False,
              delete_destination_extra=False, files=1, files_transferred=1, bytes_transferred=6),
        Row("every field of a transfer", "task show {plain} -F json", shape=True),
        Row("the answer as JSON", "transfer {src}/a.txt {dst}/json.txt -F json", task="json", there={"json.txt": A}, shape=True),
        Row("a label", "transfer {src}/a.txt {dst}/label.txt --label 'a label: 1/2'", task="label", there={"label.txt": A}),
        _show("is kept", "label", label="a label: 1/2"),
        Row("a label that is too long", "transfer {src}/a.txt {dst}/x.txt --label {long}", 1, gone=("x.txt",),
            err="<lines>HTTP status:      400\n<lines>code:             ClientError.<lines>"),
        Row("a submission id", "task generate-submission-id", out="<uuid>", keep="submission"),
        Row("with it", "transfer {src}/a.txt {dst}/once.txt --submission-id {submission}", task="once", out=ACCEPTED),
        Row("twice", "transfer {src}/a.txt {dst}/once.txt --submission-id {submission} -F json --jmespath [code,task_id]",
            data=["Duplicate", "{once}"]),
        Row("a recursive one", "transfer {src}/day {dst}/tree --recursive", task="tree", there={"tree/b.bin": B, "tree/sub/c.txt": C}),
        _show("and its counts", "tree", files=2, directories=2, files_transferred=2, status="SUCCEEDED"),
        Row("a folder without it", "transfer {src}/day {dst}/tree2 --no-recursive", task="norec", ends="FAILED", gone=("tree2/b.bin",)),
        Row("says why", "task show {norec} -F json --jmespath [status,fatal_error.code]", data=["FAILED", "<word>"]),
        Row("a batch", "transfer {src} {dst} --batch -", task="batch",
            stdin="# a remark\n\na.txt batch/a.txt\n--recursive day batch/day\n'day/b.bin' \"batch/with space.bin\"\n",
            there={"batch/a.txt": A, "batch/day/b.bin": B, "batch/day/sub/c.txt": C, "batch/with space.bin": B}),
        Row("checksums in a batch", "transfer {src} {dst} --batch -", task="sums",
            stdin=f"--external-checksum {_sum(A, 'md5')} a.txt sums/a.txt\n", there={"sums/a.txt": A}),
        Row("only some names", "transfer {src}/day {dst}/some --recursive --include *.txt --exclude *", task="some",
            there={"some/sub/c.txt": C}, gone=("some/b.bin",)),
        Row("all but some names", "transfer {src}/day {dst}/but --recursive --exclude *.txt", task="but",
            there={"but/b.bin": B}, gone=("but/sub/c.txt",)),
        Row("filters need a folder", "transfer {src}/a.txt {dst}/x.txt --exclude *.txt", 2, gone=("x.txt",)),
        Row("times", "transfer {src}/a.txt {dst}/time.txt --preserve-timestamp", task="time", there={"time.txt": A}),
        _show("are kept", "time", preserve_timestamp=True),
        Row("as at the source", "stat {dst}/time.txt -F json --jmespath last_modified", data="2024-03-05 06:07:08+00:00"),
        Row("no verification", "transfer {src}/a.txt {dst}/noverify.txt --no-verify-checksum", task="noverify", there={"noverify.txt": A}),
        _show("is noted", "noverify", verify_checksum=False),
        Row("verification", "transfer {src}/a.txt {dst}/verify.txt --verify-checksum", task="verify", there={"verify.txt": A}),
        _show("is noted too", "verify", verify_checksum=True),
        Row("encryption", "transfer {src}/a.txt {dst}/encrypt.txt --encrypt-data", task="encrypt", there={"encrypt.txt": A}),
        _show("is noted as well", "encrypt", encrypt_data=True),
        Row("a deadline", "transfer {src}/a.txt {dst}/deadline.txt --deadline 2037-01-02T03:04:05", task="deadline", there={"deadline.txt": A}),
        _show("is that of the task", "deadline", deadline="2037-01-02T03:04:05+00:00"),
        Row("a deadline that has passed", "transfer {src}/a.txt {dst}/x.txt --deadline 2001-01-01", 1, gone=("x.txt",)),
        Row("quota errors end it", "transfer {src}/a.txt {dst}/quota.txt --fail-on-quota-errors", task="quota", there={"quota.txt": A}),
        _show("as told", "quota", fail_on_quota_errors=True),
        Row("no mails", "transfer {src}/a.txt {dst}/quiet.txt --notify off", task="quiet", there={"quiet.txt": A}),
        _show("at all", "quiet", notify_on_succeeded=False, notify_on_failed=False, notify_on_inactive=False),
        Row("some mails", "transfer {src}/a.txt {dst}/mails.txt --notify failed,inactive", task="mails", there={"mails.txt": A}),
        _show("only", "mails", notify_on_succeeded=False, notify_on_failed=True, notify_on_inactive=True),
        Row("performance", "transfer {src}/a.txt {dst}/perf.txt --perf-cc 2 --perf-p 2 --perf-pp 2", task="perf", there={"perf.txt": A}),
        Row("what would be sent", "transfer {src}/a.txt {dst}/dry.txt --dry-run", gone=("dry.txt",),
            out="Source Path<any>| Dest Path<any>| Recursive | External Checksum\n<any>\n"
            "{src_path}/a.txt | {dst_path}/dry.txt | None<any>| None"),
        Row("as JSON", "transfer {src}/a.txt {dst}/dry.txt --dry-run -F json --jmespath [DATA_TYPE,source_endpoint]",
            data=["transfer", "{src_id}"], gone=("dry.txt",)),
        Row("no source", "transfer {src}", 2),
        Row("no such collection", "transfer 5ab0d0de-0000-4000-8000-00000000dead:/a {dst}/x.txt", 1,
            err="<lines>HTTP status:      404\n<lines>code:             EndpointNotFound\n<lines>"),
    ),
    TREE,
)  # fmt: skip

CHECKSUMS = Chapter(
    "checksums",
    (
        *(
            Row(f"{algorithm} agrees", f"transfer {{src}}/a.txt {{dst}}/{algorithm}.txt --checksum-algorithm {algorithm.upper()}"
                f" --external-checksum {_sum(A, algorithm)}", task=algorithm, there={f"{algorithm}.txt": A})
            for algorithm in ("md5", "sha1", "sha256", "sha512")
        ),
        Row("is listed", "task show {sha1} --successful-transfers -F json --jmespath DATA[].[checksum_algorithm,checksum]",
            data=[["SHA1", _sum(A, "sha1")]]),
        Row("MD5 unless told", f"transfer {{src}}/a.txt {{dst}}/def.txt --external-checksum {_sum(A, 'md5')}", task="def",
            there={"def.txt": A}),
        Row("an algorithm for verification", "transfer {src}/a.txt {dst}/alg.txt --checksum-algorithm SHA256", task="alg",
            there={"alg.txt": A}),
        Row("one that contradicts", f"transfer {{src}}/a.txt {{dst}}/bad.txt --external-checksum {_sum(OTHER, 'md5')}",
            task="bad", ends="FAILED"),
        Row("ends the task", "task wait {bad}", 1),
        Row("with a reason", "task show {bad} -F json --jmespath [status,fatal_error.code]",
            data=["FAILED", "EXTERNAL_CHECKSUM_MISMATCH"]),
        Row("not of folders", f"transfer {{src}}/day {{dst}}/x --recursive --external-checksum {_sum(A, 'md5')}", 2, gone=("x",)),
        Row("an unknown algorithm", "transfer {src}/a.txt {dst}/x.txt --external-checksum 00 --checksum-algorithm crc33", 1,
            err="<lines>HTTP status:      400\n<lines>", gone=("x.txt",)),
    ),
    TREE,
)  # fmt: skip

SYNC = Chapter(
    "sync",
    (
        Row("first", "transfer {src}/ {dst}/ --recursive", task="first", there={"keep.txt": A, "edit.txt": A, "grow.txt": A}),
        Row("exists: only what is missing", "transfer {src}/ {dst}/ --recursive --sync-level exists",
            files={"edit.txt": OTHER, "grow.txt": A + A, "new.txt": A}, task="exists",
            there={"keep.txt": A, "edit.txt": A, "grow.txt": A, "new.txt": A}),
        _show("counts", "exists", sync_level=0, files_transferred=1, files_skipped=3),
        Row("size: what is longer", "transfer {src}/ {dst}/ --recursive --sync-level size", task="size",
            there={"keep.txt": A, "edit.txt": A, "grow.txt": A + A}),
        _show("counts again", "size", sync_level=1, files_transferred=1, files_skipped=3),
        Row("checksum: what differs", "transfer {src}/ {dst}/ -s checksum --recursive", task="checksum",
            there={"keep.txt": A, "edit.txt": OTHER, "grow.txt": A + A}),
        _show("of all files", "checksum", sync_level=3, files_transferred=1, files_skipped=3),
        Row("mtime: what is newer", "transfer {src}/ {dst}/ --recursive --sync-level mtime", task="mtime",
            files={"keep.txt@2037": OTHER}, there={"keep.txt": OTHER, "edit.txt": OTHER}),
        _show("only that", "mtime", sync_level=2, files_transferred=1, files_skipped=3),
        Row("nothing is left to do", "transfer {src}/ {dst}/ --recursive --sync-level checksum", task="rest"),
        _show("so nothing moves", "rest", files_transferred=0, bytes_transferred=0, files_skipped=4),
        Row("something more at the destination", "transfer {src}/keep.txt {dst}/extra/more.txt", task="extra", there={"extra/more.txt": OTHER}),
        Row("is deleted when asked", "transfer {src}/ {dst}/ --recursive --delete-destination-extra -s checksum", task="mirror",
            there={"keep.txt": OTHER, "new.txt": A}, gone=("extra/more.txt", "extra")),
        _show("as the document says", "mirror", delete_destination_extra=True),
        Row("the old option warns", "transfer {src}/ {dst}/ --recursive --delete -s exists", task="old",
            err="`--delete` has been deprecated<lines>"),
        Row("not without folders", "transfer {src}/keep.txt {dst}/keep.txt --delete-destination-extra --no-recursive", 2),
    ),
    {"keep.txt": A, "edit.txt": A, "grow.txt": A},
)  # fmt: skip

SKIPPING = Chapter(
    "skipping",
    (
        Row("a missing file is skipped", "transfer {src} {dst} --batch - --skip-source-errors", task="skip",
            stdin="a.txt a.txt\nnix.txt nix.txt\n", there={"a.txt": A}, gone=("nix.txt",)),
        _show("and counted", "skip", status="SUCCEEDED", skip_source_errors=True, subtasks_skipped_errors=1, subtasks_succeeded=1),
        Row("and listed", "task show {skip} --skipped-errors",
            out="Source Path<any>| Destination Path<any>| Error Code<any>\n<any>\n{src_path}/nix.txt | {dst_path}/nix.txt | FILE_NOT_FOUND"),
        Row("with every field", "task show {skip} --skipped-errors -F json", shape=True),
        Row("not among those that moved", "task show {skip} --successful-transfers",
            out="Source Path<any>| Destination Path<any>| Size | Checksum Algorithm | Checksum<any>\n<any>\n"
            "{src_path}/a.txt | {dst_path}/a.txt<any>"),
        Row("those with every field", "task show {skip} --successful-transfers -F json", shape=True),
        Row("not both", "task show {skip} --successful-transfers --skipped-errors", 2),
    ),
    TREE,
)  # fmt: skip

LOCAL_USERS = Chapter(
    "local users",
    (
        Row("on a mapped collection", "transfer {src}/a.txt {dst}/users.txt --destination-local-user you", task="users",
            needs="mapped", there={"users.txt": A}, real=False),
        _show("is noted", "users", needs="mapped", real=False, destination_local_user="you"),
        Row("not on a guest collection", "transfer {src}/a.txt {dst}/users.txt --destination-local-user you", 1, needs="guest",
            err="<lines>HTTP status:      400\n<lines>", gone=("users.txt",)),
        Row("not on a personal one", "transfer {src}/a.txt {dst}/users2.txt --source-local-user me", 1, needs="personal",
            err="<lines>HTTP status:      400\n<lines>", gone=("users2.txt",)),
    ),
    TREE,
)  # fmt: skip
