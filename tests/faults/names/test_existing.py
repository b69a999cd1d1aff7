"""What bears a file's name already, where it shall be fetched to: identical files stay, all else is not touched."""

from __future__ import annotations

import os

import pytest

from tests.integration.retrieve.home import first_session


@pytest.mark.fault(41)
def test_what_is_there_is_kept_and_the_rest_comes_all_the_same(home):
    same, other, short = sorted(home.originals)[:3]
    for name, data in ((same, home.originals[same]), (other, b"?" * len(home.originals[other])), (short, b"?")):
        path = home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    document = home.command(code=3)
    verdicts = {each["subpath"]: each["verdict"] for each in document["files"]}
    assert (verdicts.pop(same), verdicts.pop(other), verdicts.pop(short)) == ("identical", "refused", "refused")
    assert set(verdicts.values()) == {"fetched"}
    assert (home.root / other).read_bytes() == b"?" * len(home.originals[other])
    assert "--overwrite" in next(each["remedy"] for each in document["files"] if each["subpath"] == other)
    result = home.retrieve(overwrite=True)
    assert {name for name, verdict in home.verdicts(result).items() if verdict == "fetched"} == {other, short}
    assert int((home.root / same).stat().st_mtime) != home.times[same]  # what is identical is not touched at all
    os.utime(home.root / same, (home.times[same], home.times[same]))
    home.assert_same()


@pytest.mark.fault(26, 41)
@pytest.mark.parametrize("what", ["folder", "link", "way is a link", "way is a file"])
def test_nothing_is_written_through_links_or_over_folders(home, what, tmp_path):
    name = home.pick("050120_g0_t0.imec0.ap.bin")
    path, outside = home.root / name, tmp_path / "outside"
    outside.mkdir()
    if what == "way is a link":
        (home.root / "SC038").mkdir()
        path.parent.parent.symlink_to(outside, target_is_directory=True)
    elif what == "way is a file":
        path.parent.parent.mkdir(parents=True)
        path.parent.write_bytes(b"a file")
    else:
        path.parent.mkdir(parents=True)
        path.mkdir() if what == "folder" else path.symlink_to(outside / "elsewhere.bin")
    result = home.retrieve(overwrite=True)
    assert home.verdicts(result)[name] == "refused"
    assert not list(outside.iterdir())
    others = [each for each in result if each.subpath not in {n for n in home.originals if first_session(n)}]
    assert {each.verdict for each in others} == {"fetched"}
