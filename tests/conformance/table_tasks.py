"""The table's chapters about tasks: waiting, showing, listing, changing, cancelling."""

from __future__ import annotations

from .rows import Chapter, Row
from .table_files import TREE, A
from .table_transfers import ACCEPTED

ENDED = Chapter(
    "ended tasks",
    (
        Row("a task", "transfer {src}/a.txt {dst}/a.txt --label '{mark} one'", task="one", out=ACCEPTED, there={"a.txt": A}),
        Row("another", "transfer {src}/a.txt {dst}/b.txt --label '{mark} two'", task="two"),
        Row("a third", "delete {dst}/b.txt --label '{mark} three'", task="three"),
        Row("waited for", "task wait {one}", out="", err=""),
        Row("with a heartbeat", "task wait {one} --heartbeat --timeout 5 --polling-interval 1", err="<any>"),
        Row("as JSON", "task wait {one} -F json --jmespath status", data="SUCCEEDED"),
        Row("a cat", "task wait {one} --meow", err="<lines>"),
        Row("no such task", "task wait 5ab0d0de-0000-4000-8000-00000000dead", 1,
            err="Globus CLI Error: A Transfer API Error Occurred.\nHTTP status:      404\nrequest_id:       <word>\n"
            "code:             <any>\nmessage:<lines>"),
        Row("shown", "task show {one}",
            out="Label:                        {mark} one\nTask ID:                      {one}\n"
            "Is Paused:                    False\nType:                         TRANSFER\n"
            "Directories:                  0\nFiles:                        1\nStatus:                       SUCCEEDED\n"
            "Request Time:                 <time>\nFaults:                       0\n"
            "Total Subtasks:               <n>\nSubtasks Succeeded:           <n>\nSubtasks Pending:             0\n"
            "Subtasks Retrying:            0\nSubtasks Failed:              0\nSubtasks Canceled:            0\n"
            "Subtasks Expired:             0\nSubtasks with Skipped Errors: 0\nCompletion Time:              <time>\n"
            "Source Endpoint:              {src_name}\nSource Endpoint ID:           {src_id}\n"
            "Destination Endpoint:         {dst_name}\nDestination Endpoint ID:      {dst_id}\n"
            "Bytes Transferred:            6\nBytes Per Second:             <n>"),
        Row("one that is not ours", "task show 5ab0d0de-0000-4000-8000-00000000dead", 1),
        Row("no UUID", "task show nix", 2),
        Row("what moved", "task show {one} --successful-transfers -F json --jmespath DATA[].[source_path,destination_path,size]",
            data=[["{src_path}/a.txt", "{dst_path}/a.txt", 6]]),
        Row("nothing was skipped", "task show {one} --skipped-errors -F json --jmespath DATA", data=[]),
        Row("of deletions no file is listed", "task show {three} --successful-transfers", 1,
            err="<lines>HTTP status:      <n>\n<lines>"),
        Row("listed", "task list --limit 1 --filter-label '{mark} one' --exact",
            out="Task ID<any>| Status    | Type<any>| Source Display Name<any>| Dest Display Name<any>| Label<any>\n<any>\n"
            "{one} | SUCCEEDED | TRANSFER | {src_name}<any>| {dst_name}<any>| {mark} one"),
        Row("newest first", "task list --filter-label '{mark}*' -F json --jmespath DATA[].task_id",
            data=["{three}", "{two}", "{one}"]),
        Row("so many", "task list --filter-label '{mark}*' --limit 2 -F json --jmespath DATA[].task_id", data=["{three}", "{two}"]),
        Row("by type", "task list --filter-label '{mark}*' --filter-type DELETE -F json --jmespath DATA[].task_id", data=["{three}"]),
        Row("by status", "task list --filter-label '{mark}*' --filter-status FAILED --filter-status SUCCEEDED -F json"
            " --jmespath DATA[].task_id", data=["{three}", "{two}", "{one}"]),
        Row("by another status", "task list --filter-label '{mark}*' --filter-status FAILED -F json --jmespath DATA", data=[]),
        Row("by id", "task list --filter-task-id {one} --filter-task-id {three} -F json --jmespath DATA[].task_id",
            data=["{three}", "{one}"]),
        Row("by one of two labels", "task list --filter-label '{mark} one' --filter-label '{mark} two' -F json"
            " --jmespath DATA[].task_id", data=["{two}", "{one}"]),
        Row("not by a label", "task list --filter-not-label '{mark} one' --filter-task-id {one} --filter-task-id {two} -F json"
            " --jmespath DATA[].task_id", data=["{two}"]),
        Row("by time of request", "task list --filter-label '{mark}*' --filter-requested-after 2020-01-01"
            " --filter-requested-before 2099-01-01 -F json --jmespath 'length(DATA)'", data=3),
        Row("by a time long ago", "task list --filter-label '{mark}*' --filter-requested-before 2020-01-01 -F json"
            " --jmespath DATA", data=[]),
        Row("by time of completion", "task list --filter-label '{mark}*' --filter-completed-after 2020-01-01"
            " --filter-completed-before 2099-01-01 -F json --jmespath 'length(DATA)'", data=3),
        Row("every field of a list", "task list --filter-label '{mark}*' --limit 1 -F json", shape=True),
        Row("its events", "task event-list {one} -F json --jmespath DATA[].code", data=["SUCCEEDED", "PROGRESS", "STARTED"]),
        Row("in words", "task event-list {one} --limit 1",
            out="Time<any>| Code<any>| Is Error | Details<any>\n<any>\n<time><any>| SUCCEEDED | False    | <any>"),
        Row("no errors", "task event-list {one} --filter-errors -F json --jmespath DATA", data=[]),
        Row("only others", "task event-list {one} --filter-non-errors -F json --jmespath DATA[].is_error", data=[False, False, False]),
        Row("not both", "task event-list {one} --filter-errors --filter-non-errors", 2),
        Row("every field of an event", "task event-list {one} -F json", shape=True),
        Row("not paused", "task pause-info {one}", out="Task {one} is not paused."),
        Row("as a document", "task pause-info {one} -F json", shape=True),
        Row("too late to cancel", "task cancel {one}", out="The task completed before the cancel request was processed."),
        Row("too late to change", "task update {one} --label late", 1, err="<lines>HTTP status:      <n>\n<lines>"),
        Row("too late for a deadline", "task update {one} --deadline 2037-01-02", 1, err="<lines>HTTP status:      <n>\n<lines>"),
        Row("cancel what", "task cancel", 2),
        Row("a submission id", "task generate-submission-id", out="<uuid>"),
        Row("as data", "task generate-submission-id -F json", shape=True),
    ),
    TREE,
)  # fmt: skip

RUNNING = Chapter(
    "running tasks",
    (
        Row("a file that is not there", "transfer {src}/nix.txt {dst}/nix.txt --label '{mark} stuck'", task="stuck", ends=None),
        Row("keeps the task busy", "task event-list {stuck} --filter-errors --limit 1 -F json --jmespath DATA[].[code,is_error]",
            data=[["FILE_NOT_FOUND", True]], patient=True),
        Row("it goes on", "task show {stuck} -F json --jmespath [status,nice_status,is_paused]",
            data=["ACTIVE", "FILE_NOT_FOUND", False]),
        Row("in words", "task show {stuck}", out="Label:                        {mark} stuck\n<lines>"
            "Status:                       ACTIVE\n<lines>Deadline:                     <time>\n"
            "Details:                      FILE_NOT_FOUND\n<lines>"),
        Row("every field of a running task", "task show {stuck} -F json", shape=True),
        Row("waited for in vain", "task wait {stuck} --timeout 1 --timeout-exit-code 50", 50, out="",
            err="Task has yet to complete after 1 seconds"),
        Row("the same transfer again", "transfer {src}/nix.txt {dst}/nix.txt", 1, err="<lines>HTTP status:      409\n<lines>code:             Conflict\n<lines>"),
        Row("not paused", "task pause-info {stuck}", out="Task {stuck} is not paused."),
        Row("a new label", "task update {stuck} --label '{mark} renamed'", out="Success"),
        Row("a new deadline", "task update {stuck} --deadline 2037-01-02", out="Success"),
        Row("are kept", "task show {stuck} -F json --jmespath [label,deadline]",
            data=["{mark} renamed", "2037-01-02T00:00:00+00:00"]),
        Row("active ones", "task list --filter-status ACTIVE --filter-label '{mark}*' -F json --jmespath DATA[].task_id", data=["{stuck}"]),
        Row("cancelled", "task cancel {stuck}", out="The task has been cancelled successfully."),
        Row("ends as failed", "task wait {stuck}", 1),
        Row("with its reason", "task show {stuck} -F json --jmespath [status,fatal_error.code,nice_status]", data=["FAILED", "CANCELED", None]),
        Row("and its last event", "task event-list {stuck} --limit 1 -F json --jmespath DATA[].[code,is_error,details]",
            data=[["CANCELED", True, "Canceled by the task owner"]]),
        Row("cancelled again", "task cancel {stuck}", out="The task completed before the cancel request was processed."),
        Row("nothing to cancel", "task cancel --all", 1, err="Error: You have no in-progress tasks.", real=False),
        Row("one to cancel", "transfer {src}/nix.txt {dst}/1.txt", task="first", ends=None, real=False),
        Row("and another", "transfer {src}/nix.txt {dst}/2.txt", task="second", ends=None, real=False),
        Row("all are cancelled", "task cancel --all", real=False,
            out="{second} (1 of 2): The task has been cancelled successfully.\n"
            "{first} (2 of 2): The task has been cancelled successfully."),
        Row("none is left", "task list --filter-status ACTIVE -F json --jmespath DATA", data=[], real=False),
    ),
    TREE,
)  # fmt: skip
