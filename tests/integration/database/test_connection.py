"""Threads, lost connections, lost answers, deadlocks, restarts of the server."""

import contextlib
import socket
import threading
from dataclasses import replace

import pytest

from pipeline import database, embedded
from pipeline.database import errors as db_errors
from pipeline.errors import DatabaseError, DatabaseUnavailable
from pipeline.settings.types import DatabaseSettings, Settings


@pytest.fixture
def rigs(lab_database):
    from pipeline import lab

    database.bind(lab_database)
    assert len(lab.Rig()) == 0  # what the table looks like is known from here on
    return lab.Rig


def cut_off():
    """End the server's side of this thread's connection, from another one."""
    mine = database.connection()
    number = mine.query("SELECT pg_backend_pid()" if is_postgres() else "SELECT CONNECTION_ID()").fetchone()[0]

    def kill():
        statement = "SELECT pg_terminate_backend(%s, 5000)" if is_postgres() else "KILL CONNECTION %s"
        mine.query(statement, (number,)).fetchall()

    in_thread(kill)


def is_postgres():
    return database.connection().adapter.backend == "postgresql"


def in_thread(work):
    failed = []

    def run():
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to the test
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def names(table):
    return sorted(row["rig"] for row in table.to_dicts())


def test_threads_have_transactions_of_their_own(rigs):
    seen = []
    with database.transaction():
        rigs.insert1({"rig": "mine"})
        in_thread(lambda: seen.append(names(rigs)))
        in_thread(lambda: database.run_transaction(lambda: rigs.insert1({"rig": "theirs"})))
        assert database.connection().in_transaction
    assert seen == [[]]
    assert names(rigs) == ["mine", "theirs"]


def test_a_transaction_left_by_an_error_leaves_nothing(rigs):
    def fail():
        with database.transaction():
            rigs.insert1({"rig": "x"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(rigs) == []
    assert not database.connection().in_transaction


def test_transactions_do_not_nest_and_the_outer_one_survives_the_attempt(rigs):
    with database.transaction():
        rigs.insert1({"rig": "x"})
        with pytest.raises(Exception, match="do not nest"), database.transaction():
            pass
    assert names(rigs) == ["x"]


def test_reading_goes_on_after_the_connection_was_lost(rigs):
    rigs.insert1({"rig": "x"})
    cut_off()
    assert names(rigs) == ["x"]


def test_a_lost_transaction_leaves_no_stale_state(rigs):
    def lose():
        with database.transaction():
            rigs.insert1({"rig": "lost"})
            cut_off()
            rigs.insert1({"rig": "never"})

    with pytest.raises(DatabaseUnavailable, match="lost"):
        lose()
    assert not database.connection().in_transaction
    rigs.insert1({"rig": "after"})
    assert names(rigs) == ["after"]


def test_a_transaction_is_run_again_after_its_connection_was_lost(rigs):
    attempts = []

    def work():
        rigs.insert1({"rig": "x"})
        attempts.append(len(attempts))
        if len(attempts) == 1:
            cut_off()
        rigs.insert1({"rig": "y"})
        return "done"

    assert database.run_transaction(work, sleep=lambda _s: None) == "done"
    assert names(rigs) == ["x", "y"]
    assert attempts == [0, 1]


def test_a_write_whose_fate_is_unknown_is_not_repeated_by_itself(rigs):
    cut_off()
    with pytest.raises(DatabaseUnavailable):
        rigs.insert1({"rig": "x"})
    rigs.insert1({"rig": "x"})
    assert names(rigs) == ["x"]


def test_an_idle_connection_is_looked_at_before_it_is_written_to(rigs):
    cut_off()
    database.connection()._mine.last_used -= 3600
    rigs.insert1({"rig": "x"})
    assert names(rigs) == ["x"]


def test_an_interrupted_statement_does_not_leave_its_answer_to_the_next(rigs):
    def interrupted(raw):
        with raw.cursor() as cursor:
            cursor.execute("SELECT 'of the interrupted one'")
            raise KeyboardInterrupt

    def interrupt():
        with database.transaction():
            rigs.insert1({"rig": "x"})
            database.connection().run(interrupted, "SELECT")

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert not database.connection().in_transaction
    assert names(rigs) == []


def test_both_of_a_deadlock_succeed(rigs):
    rigs.insert([{"rig": "a"}, {"rig": "b"}])
    meet = threading.Barrier(2, timeout=30)
    tries = []

    def change(first, second):
        mine = []

        def work():
            mine.append(1)
            rigs.update1({"rig": first, "room": first + second})
            if len(mine) == 1:
                meet.wait()
            rigs.update1({"rig": second, "room": first + second})

        database.run_transaction(work)
        tries.append(len(mine))

    other = threading.Thread(target=change, args=("b", "a"))
    other.start()
    change("a", "b")
    other.join(60)
    assert sorted(tries) == [1, 2]
    assert len({row["room"] for row in rigs.to_dicts()}) == 1


def test_a_transaction_that_is_always_refused_ends_after_some_attempts(rigs):
    attempts = []

    def work():
        attempts.append(1)
        raise db_errors.Busy("busy", remedy="wait")

    with pytest.raises(DatabaseError, match="busy"):
        database.run_transaction(work, attempts=3, sleep=lambda _s: None)
    assert len(attempts) == 3


class LosesAnAnswer:
    """A way to the server that breaks right after the server has answered a COMMIT."""

    def __init__(self, host, port, *, before_server=False):
        self.target = (host, port)
        self.before_server = before_server
        self.armed = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.create_connection(self.target)
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.armed.is_set() and b"COMMIT" in data:
                    self.armed.clear()
                    if not self.before_server:
                        self.deaf = client
                        server.sendall(data)
                        self.answered.wait(10)
                    client.shutdown(socket.SHUT_RDWR)
                    server.shutdown(socket.SHUT_RDWR)
                    break
                server.sendall(data)
        client.close()
        server.close()

    deaf = None
    answered = threading.Event()

    def _pump(self, server, client):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self.deaf is client:
                    self.answered.set()
                else:
                    client.sendall(data)

    def close(self):
        self.listener.close()


@pytest.fixture(params=[False, True], ids=["answer lost", "request lost"])
def lossy(request, lab_database):
    from pipeline import lab

    own = lab_database.database
    way = LosesAnAnswer(own.host, own.port, before_server=request.param)
    way.answered = threading.Event()
    database.bind(replace(lab_database, database=replace(own, port=way.port)))
    assert lab.Rig.to_dicts() == []
    yield way
    database.unbind()
    way.close()


def test_after_a_lost_commit_the_tables_decide(lossy):
    from pipeline import lab

    runs = []

    def work():
        runs.append(1)
        if len(runs) == 1:
            lossy.armed.set()
        lab.Rig.insert1({"rig": "x"})

    database.run_transaction(work, done=lambda: bool(lab.Rig & {"rig": "x"}), sleep=lambda _s: None)
    assert names(lab.Rig) == ["x"]
    assert len(runs) == (2 if lossy.before_server else 1)


def test_without_a_way_to_decide_a_lost_commit_is_an_error(lossy):
    from pipeline import lab

    def work():
        lossy.armed.set()
        lab.Rig.insert1({"rig": "x"})

    with pytest.raises(DatabaseUnavailable, match="lost") as caught:
        database.run_transaction(work, sleep=lambda _s: None)
    assert caught.value.in_commit
    assert names(lab.Rig) == ([] if lossy.before_server else ["x"])


def test_an_embedded_server_that_restarts_is_found_again(tmp_path):
    from pipeline import lab

    folder = tmp_path / "db"
    try:
        embedded.start(folder, idle_minutes=1)
        database.bind(Settings(database=DatabaseSettings(embedded=folder)))
        lab.Rig.insert1({"rig": "x"})
        embedded.stop(folder)
        # Another port than before, as when somebody else took it meanwhile.
        (folder / "port").unlink()
        embedded.start(folder, idle_minutes=1)
        assert names(lab.Rig) == ["x"]
        with database.transaction():
            embedded.stop(folder)
            with pytest.raises(DatabaseUnavailable):
                lab.Rig.insert1({"rig": "y"})
            embedded.start(folder, idle_minutes=1)
        database.run_transaction(lambda: lab.Rig.insert1({"rig": "z"}))
        assert names(lab.Rig) == ["x", "z"]
    finally:
        database.unbind()
        embedded.delete(folder)
