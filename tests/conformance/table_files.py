"""The table's chapters about who one is, and about looking at and changing files."""

from __future__ import annotations

from .rows import Chapter, Row

A, B, C = "hello\n", "123\n", "x\n"
TREE = {"a.txt": A, "day/b.bin": B, "day/sub/c.txt": C, ".hidden": ""}

WHO = Chapter(
    "who",
    (
        Row("the username", "whoami", out="{username}"),
        Row(
            "all that is known",
            "whoami -v",
            out="Username: {username}\nName:     {name}\nID:       {user_id}\nEmail:    {email}",
        ),
        Row("linked identities", "whoami --linked-identities", out="{username}<lines>"),
        Row(
            "linked identities in full",
            "whoami --linked-identities -v",
            out="Username<any>| Name<any>| ID<any>| Email<any>\n<any>\n{username}<any>{user_id}<lines>",
        ),
        Row("as JSON", "whoami -F json --jmespath [sub,preferred_username]", data=["{user_id}", "{username}"]),
        Row("every field", "whoami -F json", shape=True),
        Row("a username to an id", "get-identities {username}", out="{user_id}"),
        Row("an id to a username", "get-identities {user_id}", out="{username}"),
        Row("nobody", "get-identities nobody@nowhere.invalid", out="NO_SUCH_IDENTITY"),
        Row("several", "get-identities {user_id} nobody@nowhere.invalid", out="{username}\nNO_SUCH_IDENTITY"),
        Row("identities as JSON", "get-identities {username} -F json", shape=True),
        Row(
            "an identity in full",
            "get-identities {user_id} -v",
            out="ID<any>| Username<any>| Full Name<any>\n<any>\n{user_id} | {username}<lines>",
        ),
        Row(
            "asked directly",
            "api auth GET /v2/oauth2/userinfo --jmespath preferred_username -F unix",
            out="{username}",
        ),
    ),
)

LISTING = Chapter(
    "listing",
    (
        Row("plain", "ls {src}/", out="day/\na.txt"),
        Row("a file's own folder", "ls {src}/day", out="sub/\nb.bin"),
        Row("hidden names too", "ls -a {src}/", out="day/\n.hidden\na.txt"),
        Row(
            "long",
            "ls -l {src}/",
            out="Permissions | User<any>| Group<any>| Size<any>| Last Modified<any>| File Type | Filename\n<any>\n"
            "<n><any>| <any>| <any>| <n><any>| <time> | dir       | day/\n"
            "<n><any>| <any>| <any>| 6<any>| <time> | file      | a.txt",
        ),
        Row("recursive", "ls -r {src}/", out="day/\na.txt\nday/sub/\nday/b.bin\nday/sub/c.txt"),
        Row("down to a depth", "ls -r --recursive-depth-limit 1 {src}/", out="day/\na.txt\nday/sub/\nday/b.bin"),
        Row("depth 0", "ls -r --recursive-depth-limit 0 {src}/", out="day/\na.txt"),
        Row("by a pattern", "ls --filter ~*.txt {src}/", out="a.txt"),
        Row("all but a pattern", "ls --filter !~*.txt {src}/", out="day/"),
        Row("by name", "ls --filter =a.txt {src}/", out="a.txt"),
        Row("all but a name", "ls --filter !=a.txt {src}/", out="day/"),
        Row("by a name that is not there", "ls --filter nix {src}/", out=""),
        Row("recursive by a pattern", "ls -r --filter ~*b* {src}/day", out="sub/\nb.bin"),
        Row("ordered", "ls --orderby name:DESC {src}/", out="day/\na.txt"),
        Row(
            "ordered by two fields", "ls -a --orderby size:ASC --orderby name:ASC {src}/day", out="<lines>b.bin<lines>"
        ),
        Row("ordered by type", "ls --orderby type:DESC --orderby name:ASC {src}/", out="a.txt\nday/"),
        Row(
            "as JSON",
            "ls {src}/ -F json --jmespath 'DATA[?type==`file`].[name,type,size,DATA_TYPE]'",
            data=[["a.txt", "file", 6, "file"]],
        ),
        Row("every field", "ls {src}/ -F json", shape=True),
        Row("every field of a recursive listing", "ls -r {src}/ -F json", shape=True),
        Row("unix format", "ls {src}/ -F unix --jmespath DATA[].name", out="day\ta.txt"),
        Row(
            "no such folder",
            "ls {src}/nix",
            1,
            err="Globus CLI Error: A Transfer API Error Occurred.\nHTTP status:      404\nrequest_id:       <word>\n"
            "code:             ClientError.NotFound\nmessage:<lines>",
        ),
        Row(
            "no such folder, as JSON", "ls {src}/nix -F json", 1, err='{\n<lines>"code": "ClientError.NotFound"<lines>}'
        ),
        Row("a status of one's own", "ls {src}/nix --map-http-status 404=60", 60),
        Row(
            "a file is no folder",
            "ls {src}/a.txt",
            1,
            err="<lines>code:             ExternalError.DirListingFailed.NotDirectory<lines>",
        ),
        Row(
            "no such collection",
            "ls 5ab0d0de-0000-4000-8000-00000000dead:/",
            1,
            err="Globus CLI Error: A Transfer API Error Occurred.\nHTTP status:      404\nrequest_id:       <word>\n"
            "code:             EndpointNotFound\nmessage:          <any>5ab0d0de-0000-4000-8000-00000000dead<any>",
        ),
        Row(
            "asked directly",
            "api transfer GET /v0.10/operation/endpoint/{src_id}/ls -Q path={src_path}/day --jmespath DATA[].name -F unix",
            out="sub\tb.bin",
        ),
    ),
    TREE,
)

FILES = Chapter(
    "files",
    (
        Row(
            "stat of a file",
            "stat {src}/a.txt",
            out="Name:          a.txt\nType:          file\nLast Modified: <time>\nSize:          6\n"
            "Permissions:   <n>\nUser:          <any>\nGroup:         <any>",
        ),
        Row("stat of a folder", "stat {src}/day", out="Name:          day\nType:          dir\n<lines>"),
        Row("stat of nothing", "stat {src}/nix", out="Nothing found at {src_path}/nix"),
        Row("stat as JSON", "stat {src}/a.txt -F json", shape=True),
        Row("stat of nothing as JSON", "stat {src}/nix -F json", err="<lines>"),
        Row("mkdir", "mkdir {dst}/new", out="The directory was created successfully"),
        Row("its listing is empty", "ls {dst}/new", out=""),
        Row("mkdir as JSON", "mkdir {dst}/new2 -F json", shape=True),
        Row(
            "mkdir twice",
            "mkdir {dst}/new",
            1,
            err="Globus CLI Error: A Transfer API Error Occurred.\nHTTP status:      502\nrequest_id:       <word>\n"
            "code:             ExternalError.MkdirFailed.Exists\nmessage:<lines>",
        ),
        Row("mkdir below nothing", "mkdir {dst}/nix/new", 1, gone=("nix",)),
        Row(
            "rename",
            "rename {dst_id} {dst_path}/new2 {dst_path}/moved",
            out="File or directory renamed successfully",
            gone=("new2",),
        ),
        Row("the new name is there", "ls {dst}/", out="moved/\nnew/"),
        Row(
            "rename again",
            "rename {dst_id} {dst_path}/new2 {dst_path}/moved2",
            1,
            err="<lines>code:             <any>\nmessage:<lines>",
        ),
        Row(
            "rename onto something",
            "rename {dst_id} {dst_path}/new {dst_path}/moved",
            1,
            err="<lines>code:             <any>\nmessage:<lines>",
        ),
        Row(
            "a file to delete",
            "transfer {src}/day {dst}/day --recursive",
            task="day",
            there={"day/b.bin": B, "day/sub/c.txt": C},
        ),
        Row(
            "a second one",
            "transfer {src}/day {dst}/day2 --recursive",
            task="day2",
            there={"day2/b.bin": B, "day2/sub/c.txt": C},
        ),
        Row(
            "rm of a file waits",
            "rm {dst}/day/b.bin",
            err='Delete task submitted under ID "<uuid>"',
            gone=("day/b.bin",),
        ),
        Row("rm of a folder", "rm -r {dst}/day", gone=("day",), err='Delete task submitted under ID "<uuid>"'),
        Row("rm of nothing", "rm --ignore-missing {dst}/nix", err='Delete task submitted under ID "<uuid>"'),
        Row("rm as JSON", "rm -F json --jmespath status {dst}/moved -r", data="SUCCEEDED", gone=("moved",)),
        Row("what a deletion would do", "delete --dry-run {dst}/day2/b.bin", out="Path\n<any>\n{dst_path}/day2/b.bin"),
        Row(
            "delete a file",
            "delete {dst}/day2/b.bin --label 'one file' --notify off",
            out="Message: The delete has been accepted and a task has been created and queued for execution\nTask ID: <uuid>",
            task="one",
            gone=("day2/b.bin",),
        ),
        Row(
            "its document",
            "task show {one} -F json --jmespath [type,label,status,source_endpoint_id,destination_endpoint_id]",
            data=["DELETE", "one file", "SUCCEEDED", "{dst_id}", None],
        ),
        Row("every field of a deletion", "task show {one} -F json", shape=True),
        Row(
            "a deletion in words",
            "task show {one}",
            out="Label:                        one file\nTask ID:                      {one}\n"
            "Is Paused:                    False\nType:                         DELETE\n<lines>"
            "Status:                       SUCCEEDED\n<lines>Completion Time:              <time>\n"
            "Endpoint:                     {dst_name}\nEndpoint ID:                  {dst_id}",
        ),
        Row("delete nothing", "delete --ignore-missing {dst}/nix", task="none"),
        Row("or fail", "delete {dst}/nix", task="missing", ends="FAILED"),
        Row("with a reason", "task show {missing} -F json --jmespath fatal_error.code", data="FILE_NOT_FOUND"),
        Row("rm of nothing fails", "rm {dst}/nix", 1, out="", err='Delete task submitted under ID "<uuid>"'),
        Row("a folder only when told", "delete {dst}/day2", task="flat", ends="FAILED", there={"day2/sub/c.txt": C}),
        Row("delete a folder", "delete -r {dst}/day2", task="folder", gone=("day2",)),
        Row(
            "files for globs",
            "transfer {src} {dst} --batch -",
            stdin="a.txt one.txt\na.txt two.txt\na.txt three.bin\n",
            task="globs",
            there={"one.txt": A, "two.txt": A, "three.bin": A},
        ),
        Row(
            "delete by a glob",
            "delete --enable-globs '{dst}/*.txt'",
            task="glob",
            gone=("one.txt", "two.txt"),
            there={"three.bin": A},
        ),
        Row("a star is a name without", "delete --ignore-missing '{dst}/*.bin'", task="star", there={"three.bin": A}),
        Row(
            "delete a batch",
            "delete {dst} --batch -",
            stdin="# by line\nthree.bin\n",
            task="batch",
            gone=("three.bin",),
        ),
    ),
    TREE,
)

ODD = "sp ace ä%20 #1 'q'.txt"
NAMES = Chapter(
    "odd names",
    (
        Row("listed", "ls {src}/", out=f"ä ö/\n{ODD}"),
        Row("in a folder", "ls '{src}/ä ö'", out="+&.bin"),
        Row("looked at", f'stat "{{src}}/{ODD}"', out=f"Name:          {ODD}\n<lines>Size:          6\n<lines>"),
        Row("by a pattern", "ls '{src}/' --filter '~sp*#*.txt'", out=ODD),
        Row("sent", f'transfer "{{src}}/{ODD}" "{{dst}}/neu ü/{ODD}"', task="odd", there={f"neu ü/{ODD}": A}),
        Row("are told", "task show {odd} --successful-transfers -F json --jmespath DATA[].[source_path,destination_path]",
            data=[[f"{{src_path}}/{ODD}", f"{{dst_path}}/neu ü/{ODD}"]]),
        Row("sent with their folder", "transfer {src}/ {dst}/all --recursive", task="all", there={"all/ä ö/+&.bin": B, f"all/{ODD}": A}),
        Row("a folder that is made", "mkdir '{dst}/a b;'", out="The directory was created successfully", real=False),
        Row("renamed", "rename {dst_id} '{dst_path}/neu ü' '{dst_path}/new u'", gone=("neu ü",), there={f"new u/{ODD}": A}),
        Row("deleted", f'rm "{{dst}}/new u/{ODD}"', gone=(f"new u/{ODD}",)),
        Row("upwards is refused", "ls {src}/../odd-names", 1, err="<lines>HTTP status:      403\n<lines>", real=False),
        Row("no slash: below one's home", "stat {src_id}:/~/", out="Name:          <any>\nType:          dir\n<lines>", real=False),
    ),
    {ODD: A, "ä ö/+&.bin": B},
)  # fmt: skip
