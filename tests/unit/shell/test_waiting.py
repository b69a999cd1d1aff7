"""Completion and the line at the bottom wait for nobody, and cost little."""

import threading
from itertools import pairwise

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from mapshell.completion.suggest import Found
from mapshell.context import Context
from mapshell.shell.facts import KNOWN_S, Facts, Watcher, _Part, toolbar
from mapshell.shell.places import REMEMBERED_S, FolderPlaces
from mapshell.shell.unhurried import Unhurried

EVENT = CompleteEvent(completion_requested=True)


class Slow(Completer):
    """Finds something when it may."""

    def __init__(self):
        self.may = threading.Event()
        self.asked = 0

    def get_completions(self, document, complete_event):
        self.asked += 1
        assert self.may.wait(60)
        yield Completion(document.text + "!")


def found(completer, text):
    return [each.text for each in completer.get_completions(Document(text), EVENT)]


def test_what_comes_in_time_is_suggested():
    slow, again = Slow(), []
    slow.may.set()

    assert found(Unhurried(slow, lambda: again.append(1), wait=60), "ls") == ["ls!"]
    assert again == []


def test_what_comes_late_is_suggested_when_it_has_come():
    slow, come = Slow(), threading.Event()
    completer = Unhurried(slow, come.set, wait=0)

    assert found(completer, "ls") == []
    slow.may.set()
    assert come.wait(60)
    assert (found(completer, "ls"), slow.asked) == (["ls!"], 1)


def test_what_comes_late_is_not_suggested_for_another_line():
    slow, come = Slow(), threading.Event()
    completer = Unhurried(slow, come.set, wait=0)

    found(completer, "ls")
    slow.may.set()
    assert come.wait(60)
    completer._wait = 60
    assert found(completer, "du") == ["du!"]


def test_a_server_that_hangs_gets_few_threads():
    slow = Slow()
    completer = Unhurried(slow, lambda: None, wait=0)
    before = threading.active_count()

    for number in range(50):
        found(completer, f"ls {number}")

    assert threading.active_count() - before <= 4
    slow.may.set()


def test_an_error_while_completing_suggests_nothing():
    class Broken(Completer):
        def get_completions(self, document, complete_event):
            raise RuntimeError

    assert found(Unhurried(Broken(), lambda: None, wait=60), "ls") == []


class Archive:
    """A folder that can be slow."""

    def __init__(self):
        self.may, self.begun, self.asked = threading.Event(), threading.Event(), []

    def listed(self, place):
        self.asked.append(place)
        self.begun.set()
        assert self.may.wait(60)
        return [Found("SC038", True)]


def test_a_folder_is_listed_by_one_thread_at_a_time_and_remembered_for_a_while():
    archive, now = Archive(), [0.0]
    places = FolderPlaces(archive.listed, lambda: now[0])
    thread = threading.Thread(target=places.remote, args=["a:/"])
    thread.start()
    assert archive.begun.wait(60)

    assert places.remote("a:/") is None  # somebody asks already
    archive.may.set()
    thread.join()
    assert places.remote("a:/") == [Found("SC038", True)]
    assert archive.asked == ["a:/"]
    now[0] = REMEMBERED_S
    places.remote("a:/")
    assert archive.asked == ["a:/", "a:/"]


def test_a_listing_that_a_command_has_overtaken_is_not_remembered():
    archive = Archive()
    places = FolderPlaces(archive.listed)
    thread = threading.Thread(target=places.remote, args=["a:/"])
    thread.start()
    assert archive.begun.wait(60)
    places.forget()
    archive.may.set()
    thread.join()

    places.remote("a:/")
    assert archive.asked == ["a:/", "a:/"]


def test_looks_take_a_twentieth_of_the_time_at_most(tmp_path):
    now, looks = [0.0], []
    context = Context(environ={"MAPSHELL_HOME": str(tmp_path)})
    watcher = Watcher(context, lambda: None, lambda: now[0])

    def look():
        looks.append(now[0])
        now[0] += 2.0

    part = _Part(look, KNOWN_S)
    for _ in range(200):
        watcher._look(part, done=True)  # somebody types without pause
        now[0] += 1.0
    assert all(after - before >= 40 for before, after in pairwise(looks))

    looks.clear()
    part = _Part(lambda: looks.append(now[0]), KNOWN_S)
    for number in range(120):
        watcher._look(part, done=number == 30)
        now[0] += 1.0
    assert [look - looks[0] for look in looks] == [0, 30, 90]


def test_the_line_at_the_bottom_fits():
    facts = Facts("this computer", "rig@sandbox.example", 1, 820, 1000)

    assert toolbar(facts, 80) == " this computer │ Globus: rig@sandbox.example │ 1 transfer, 82 % of 1.0 kB"
    assert all(len(toolbar(facts, columns)) <= columns for columns in range(1, 100))
