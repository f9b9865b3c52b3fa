"""Killed, ended, replaced, the wrong user, out of room: nothing is lost.

What was accepted arrives, what was refused does not, and the service goes on
by itself.  tests/torture/kill_service.py is the long form of the first test.
"""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time

import harness
import pytest
from harness import is_alive, wait_for
from load import Book, Endpoints, Publisher, event
from service import Service

sys.path.insert(0, os.path.join(harness.TOP, "tests/torture"))

from kill_service import PATHS, Stalls, Torture  # noqa: E402

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

SMALL = "[store]\ncache = 8M\n"
DIED = "recovered the store after somebody died inside"
SURVIVORS_S = 2         # for the others to go on
GONE_S = 3              # for a program to see that it is over, and end
BACK_S = 15             # for lighttpd to start it again, and for that to be
                        # ready: 3 s where nobody else wants the machine


class Case:
    """A service with two endpoints, a publisher, and the book of them all."""

    def __init__(self, intakes=1, path=harness.built):
        self.book, self.publisher = Book(), None
        self.endpoints = Endpoints(self.book)
        self.service = Service(SMALL)
        self.store = self.service.dir("s/store")
        for p in PATHS:
            self.service.subscribe(self.endpoints.url(p), retry_s=[1] * 20)
        programs = self.service.programs()
        for p in programs:
            p.path = path(os.path.basename(p.path))
        programs[0].procs = intakes
        self.paths = {p.prefix.strip("/"): p.path for p in programs}
        self.service.server = self.server = harness.Lighttpd(programs)
        self.stalls = Stalls()
        self.stalls.start()

    def start(self, mixed=True):
        """Serve, under load, and be asked once in every program."""
        self.server.start()
        for path in ("/sweep/health", "/admin"):
            self.server.get(path)
        self.publisher = Publisher(self.service, self.book, mixed=mixed)
        return self

    def goes_on(self, timeout_s=BACK_S):
        """An event is taken, and one arrives, from now on."""
        taken, came = len(self.book.times), len(self.book.came)
        wait_for("an event is taken", lambda:
                 len(self.book.times) > taken, timeout_s)
        wait_for("an event arrives", lambda:
                 len(self.book.came) > came + 1, timeout_s)

    def refuses(self):
        """Events are refused from now on, as they should be."""
        before = self.book.unavailable
        wait_for("events are refused", lambda:
                 self.book.unavailable > before + 20, BACK_S)
        is_unavailable(self.service.post(event("never")))

    def pids(self, name):
        return self.server.pids(self.paths[name])

    def kill(self, name, sig=signal.SIGKILL):
        """One of them; the pids there were."""
        pids = self.pids(name)
        os.kill(pids[0], sig)
        return pids

    def died(self):
        """How often a program found that another had died inside."""
        return self.server.log().count(DIED)

    def wait_gone(self, pids):
        wait_for("they end", lambda: not any(map(is_alive, pids)),
                 GONE_S + 3 * self.stalls.longest)

    def wait_back(self, name, than):
        wait_for(f"{name} is started again", lambda:
                 set(self.pids(name)) - set(than), BACK_S)

    def wait_others(self, at):
        """The others go on soon enough after what was done at that time."""
        wait_for("others take events", lambda:
                 self.book.times[-1] > at + SURVIVORS_S + 0.5, BACK_S)
        pause = self.book.longest_pause(since=at - 0.5)
        assert pause <= SURVIVORS_S + 3 * self.stalls.longest

    def end_well(self):
        """All that was taken arrives, nothing else does, the store is sound."""
        self.publisher.end()
        wait_for("everything that was taken arrives", lambda:
                 not self.book.missing(PATHS), 60)
        wait_for("nothing is pending", lambda:
                 self.service.sweep()["pending"] == 0, 30)
        assert self.book.wrong == []
        assert self.book.ghosts() == []
        assert len(self.book.kept) > 0
        self.service.run("verify", "--pages")

    def close(self):
        if self.publisher is not None:
            self.publisher.end()
        self.stalls.ending.set()
        self.endpoints.close()
        try:
            self.server.stop()
        finally:
            self.service.dir.remove()


def is_unavailable(answer):
    assert answer.status == 503, answer
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture
def case():
    """case(...) makes a Case, to be started."""
    made = []

    def make(**options):
        made.append(Case(**options))
        return made[-1]

    yield make
    for c in made:
        c.close()


# Killed, ended, replaced


def test_random_kills_under_load_lose_nothing():
    seed = int(time.time())
    t = Torture(seconds=6, seed=seed, gap_s=0.2, with_lighttpd=False,
                at_least=10)
    try:
        t.run()
        assert t.faults == [], f"seed {seed}"
        assert sum(t.counts.values()) >= 10, t.counts
        assert t.recovered >= 3
        assert len(t.book.kept) >= 100
    finally:
        t.close()


def test_the_others_go_on_and_the_killed_one_comes_back(case):
    c = case(intakes=2).start(mixed=False)
    c.goes_on()
    for name in ("intake", "sweep"):
        died, at = c.died(), time.monotonic()
        pids = c.kill(name)
        c.wait_others(at)
        assert c.died() > died
        c.wait_back(name, pids)
        c.goes_on()
    c.end_well()


def test_one_that_is_stopped_inside_holds_nobody_up(case):
    c = case(intakes=2).start(mixed=False)
    c.goes_on()
    stopped = c.kill("sweep", signal.SIGSTOP)
    at = time.monotonic()
    c.kill("intake")
    c.wait_others(at)
    c.wait_gone(stopped)
    c.wait_back("sweep", stopped)
    c.end_well()


def test_a_killed_lighttpd_is_replaced_while_its_children_live(case):
    c = case().start(mixed=False)
    c.goes_on()
    assert len(c.server.pids()) == 3
    port = c.server.port
    c.server.kill()
    c.server.start(port)
    # Long enough for all that belonged to the old one to have ended.
    at = time.monotonic()
    wait_for("events are taken afterwards", lambda:
             c.book.times[-1] > at + GONE_S, BACK_S)
    c.goes_on()
    c.end_well()


def test_children_of_a_killed_lighttpd_leave_room_for_those_of_a_new_one(case):
    c = case().start(mixed=False)
    c.goes_on()
    port, children, died = c.server.port, c.server.pids(), c.died()
    c.server.kill()
    c.wait_gone(children)
    c.server.start(port)
    c.goes_on()
    assert c.died() == died
    for name in ("intake", "sweep"):
        c.wait_back(name, c.kill(name))
    c.goes_on()
    c.end_well()


def test_replaced_binaries_make_way_for_the_new_ones(case, directory):
    def copy(name):
        return shutil.copy2(harness.built(name), directory(name))

    c = case(path=copy).start(mixed=False)
    c.goes_on()
    old = {name: c.pids(name) for name in c.paths}
    for path in c.paths.values():
        shutil.copy2(path, path + ".new")
        os.rename(path + ".new", path)
    c.wait_gone(sum(old.values(), []))
    for name, pids in old.items():
        c.wait_back(name, pids)
    c.goes_on()
    assert c.died() == 0
    c.end_well()


def test_sigterm_of_any_program_ends_it_in_order(case):
    c = case().start()
    c.goes_on()
    for name in ("intake", "sweep", "admin", "intake", "sweep"):
        pids = c.kill(name, signal.SIGTERM)
        c.wait_gone(pids)
        c.wait_back(name, pids)
    c.goes_on()
    assert c.died() == 0
    c.end_well()


def test_the_command_may_be_killed_in_the_middle_of_its_work(case):
    c = case().start(mixed=False)
    inside = set()
    for n, sig in enumerate((signal.SIGKILL, signal.SIGTERM) * 6):
        if sig in inside:
            continue
        names = [f"C{n}.{i}" for i in range(1000)]
        path = c.service.dir.write("events.json", json.dumps(
            [event(name) for name in names]))
        p = subprocess.Popen(
            [harness.built("skycap"), "send", path], env=c.service.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for("it is inside, or has ended", lambda p=p:
                 p.poll() is not None or any(
                     slot.startswith(f"p{p.pid}.")
                     for slot in os.listdir(c.store + "/run")))
        p.send_signal(sig)
        p.communicate()
        if p.returncode == -sig:    # it had not ended before that
            inside.add(sig)
        for name in names:
            c.book.answered(name, None)
    assert inside == {signal.SIGKILL, signal.SIGTERM}
    wait_for("somebody found that it had died", c.died)
    c.goes_on()
    c.end_well()


# Another user's store


class Owned:
    """A store of the user nobody, and programs that anybody may run."""

    def __init__(self, directory):
        self.dir = directory
        self.owner = pwd.getpwnam("nobody")
        for name in ("skycap", "intake.fcgi", "sweep.fcgi", "admin.fcgi"):
            shutil.copy2(harness.built(name), directory(name))
        os.mkdir(directory("data"))
        shutil.copy(os.path.join(harness.TOP, "src/shape/catalog.json"),
                    directory("data"))
        shutil.copytree(os.path.join(harness.TOP, "www/templates"),
                        directory("data/templates"))
        os.mkdir(directory("s"), 0o700)
        os.chown(directory("s"), self.owner.pw_uid, self.owner.pw_gid)
        self.conf = directory("s/skycap.conf")
        made = self.run("init", "--dir", directory("s"), "--data",
                        directory("data"), user="nobody").stdout
        self.key = re.search("publish_\\S+", made).group()
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write("[guard]\nallow = 127.0.0.0/8\n[log]\nto = log\n" + SMALL)

    def run(self, *args, user="root", check=True):
        who = pwd.getpwnam(user)
        done = subprocess.run(
            [self.dir("skycap"), *args], text=True, capture_output=True,
            env={"SKYCAP_CONF": self.conf, "PATH": os.environ["PATH"]},
            user=who.pw_uid, group=who.pw_gid, extra_groups=[], check=False,
            timeout=60, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, done
        return done

    def serve(self):
        return harness.Lighttpd([
            harness.Program(f"/{name}", self.dir(f"{name}.fcgi"),
                            env={"SKYCAP_CONF": self.conf})
            for name in ("intake", "sweep", "admin")])

    def post(self, server, name):
        return server.post("/intake/events", json.dumps(event(name)), {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json"})

    def strangers(self):
        """What in the owner's directory does not belong to the owner."""
        return [os.path.join(top, name)
                for top, dirs, files in os.walk(self.dir("s"))
                for name in dirs + files
                if os.lstat(os.path.join(top, name)).st_uid !=
                self.owner.pw_uid]


def ids_of(pid):
    """All user and group ids that a process has."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return [int(i) for line in f
                if line.startswith(("Uid:", "Gid:", "Groups:"))
                for i in line.split()[1:]]


@needs_root
def test_root_works_as_the_owner_of_the_store(directory, receiver):
    r, o = receiver(), Owned(directory)
    client = o.run("client", "add", "Wander", "--all").stdout.strip()
    task = directory.write("task.json", json.dumps({"httpRequest": {
        "url": r.url(), "jsonBody": {"orderID": "{{agwID}}"}}}))
    o.run("subscription", "add", "--client", client, "--file", task,
          "--event", "OrderTicketed")
    o.run("send", directory.write("event.json", json.dumps(event("A1"))))
    assert '"delivered":1' in o.run("sweep", "--once").stdout
    for args in (["stats"], ["deliveries"], ["verify", "--pages"]):
        o.run(*args)
    assert [g.json()["orderID"] for g in r.got] == ["A1"]
    assert o.strangers() == []
    assert "A1" in o.run("deliveries", user="nobody").stdout


@needs_root
def test_programs_started_by_root_work_as_the_owner(directory):
    o = Owned(directory)
    with o.serve() as server:
        assert o.post(server, "A1").status == 202
        assert server.get("/sweep/health").status == 200
        assert server.get("/admin").status == 401
        for program in server.programs:
            [pid] = server.pids(program.path)
            assert set(ids_of(pid)) == {o.owner.pw_uid, o.owner.pw_gid}
        wait_for("the sweep listens", lambda:
                 os.path.exists(o.dir("s/store/nudge")))
        assert o.strangers() == []


@needs_root
@pytest.mark.parametrize("readable", [False, True])
def test_another_user_is_told_whom_to_be(directory, readable):
    o = Owned(directory)
    if readable:
        os.chmod(directory("s"), 0o755)
        os.chmod(o.conf, 0o644)
    for args in (["stats"], ["send", "/dev/null"], ["sweep", "--once"],
                 ["client", "list"]):
        done = o.run(*args, user="daemon", check=False)
        assert done.returncode == 2, done
        assert "nobody" in done.stderr, done
        assert done.stdout == ""
    assert o.strangers() == []


@needs_root
def test_a_program_of_another_user_ends_and_says_whom_to_be(directory):
    o = Owned(directory)
    os.chmod(directory("s"), 0o755)
    os.chmod(o.conf, 0o644)
    who = pwd.getpwnam("daemon")
    with harness.FastCgi("/usr/bin/setpriv", {"SKYCAP_CONF": o.conf}, [
            f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}",
            "--clear-groups", directory("sweep.fcgi")]) as program:
        assert program.process.wait(10) == 2
        assert "nobody" in program.log()


# Out of room, out of reach


@pytest.fixture
def small_disk():
    """small_disk(store, mib) puts a store onto a file system of its own."""
    mounted = []

    def mount(store, mib):
        os.rename(store, store + ".away")
        os.mkdir(store)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}M,mode=0700", "tmpfs",
             store], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip("can't mount a tmpfs: " + done.stderr.strip())
        mounted.append(store)
        for entry in os.scandir(store + ".away"):
            # The regions, as large as the cache was, are made anew.
            if entry.is_file() and entry.name != "left" and \
                    not entry.name.startswith("__db."):
                shutil.copy2(entry.path, store)

    yield mount
    for store in mounted:
        subprocess.run(["umount", "--lazy", store], check=True)


def free_bytes(directory):
    v = os.statvfs(directory)
    return v.f_bavail * v.f_frsize


def fill(directory, leave_mib):
    """Leave so much room for others, for as long as directory/filler is."""
    with open(directory + "/filler", "ab", buffering=0) as f:
        while True:
            n = min(free_bytes(directory) - (leave_mib << 20), 1 << 20)
            try:
                if n <= 0 or f.write(b"\xa5" * n) == 0:
                    return
            except OSError:
                return          # somebody else took the rest


@needs_root
def test_a_full_disk_refuses_until_there_is_room_again(small_disk, case):
    c = case()
    small_disk(c.store, 96)
    c.start()
    c.goes_on()
    fill(c.store, leave_mib=20)
    c.refuses()
    assert c.server.get("/intake/health").status == 503
    wait_for("what was taken before arrives", lambda:
             not c.book.missing(PATHS), 30)

    # Not a byte is left, and one dies inside: there is the ballast for that.
    fill(c.store, leave_mib=0)
    taken = len(c.book.times)
    c.wait_back("intake", c.kill("intake"))
    wait_for("it is recovered", c.died, BACK_S)
    assert not os.path.exists(c.store + "/ballast")
    c.refuses()

    # Nor that any more.
    fill(c.store, leave_mib=0)
    for name in ("intake", "sweep"):
        c.wait_back(name, c.kill(name))
    c.refuses()
    assert len(c.book.times) == taken

    os.unlink(c.store + "/filler")
    c.goes_on(timeout_s=45)
    c.end_well()
    assert c.service.post(event("never")).json()["duplicate"] is False


def test_a_store_that_is_not_there_is_503_until_it_is(case):
    c = case()
    os.rename(c.store, c.store + ".away")
    c.start()
    c.refuses()
    os.rename(c.store + ".away", c.store)
    c.goes_on()
    os.rename(c.store, c.store + ".away")
    c.refuses()
    os.rename(c.store + ".away", c.store)
    c.goes_on()
    c.end_well()
    assert c.service.post(event("never")).json()["duplicate"] is False


@needs_root
@pytest.mark.parametrize("what", ["s", "s/store"])
def test_a_store_that_may_not_be_read_serves_again_when_it_may(
        directory, what):
    o, answers = Owned(directory), {}

    def post():
        name = f"E{len(answers)}"
        answers[name] = o.post(server, name)
        return answers[name].status

    with o.serve() as server:
        assert post() == 202
        os.chmod(directory(what), 0)
        [pid] = server.pids(directory("intake.fcgi"))
        os.kill(pid, signal.SIGKILL)
        wait_for("it is out of reach", lambda: post() == 503, BACK_S)
        os.chmod(directory(what), 0o700)
        wait_for("it is taken again", lambda: post() == 202, BACK_S)
    kept = {json.loads(line)["senderId"] for line in o.run(
        "events", "--json", "--limit", "10000").stdout.splitlines()}
    for name, answer in answers.items():
        if answer.status == 202:
            assert name in kept
        elif "retry-after" in answer.headers:   # not the web server's own
            assert answer.status == 503 and name not in kept
    o.run("verify", "--pages")
