"""Killed, ended, replaced, the wrong user, out of room: nothing is lost.

What was accepted arrives, what was refused does not, and the service goes on
by itself.  tests/torture/kill_service.py is the long form of the first test.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
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
GONE_S = 3              # for a program to see that it is over
BACK_S = 15             # for lighttpd to start a program again, and that to
                        # be ready; 3 s on a machine that does nothing else
SURVIVORS_S = 2         # for the others to go on


class Killed:
    """A service with a publisher, two endpoints, and the book of both."""

    def __init__(self, intakes=1, path=harness.built, rate=100):
        self.book = Book()
        self.endpoints = Endpoints(self.book)
        self.service = Service(SMALL)
        programs = self.service.programs()
        for p in programs:
            p.path = path(os.path.basename(p.path))
        programs[0].procs = intakes
        self.paths = {p.prefix.strip("/"): p.path for p in programs}
        self.service.server = self.server = harness.Lighttpd(programs)
        self.server.start()
        self.rate, self.publisher = rate, None
        for p in PATHS:
            self.service.subscribe(self.endpoints.url(p), retry_s=[1] * 20)
        self.stalls = Stalls()
        self.stalls.start()

    def publish(self, **options):
        self.publisher = Publisher(self.service, self.book, self.rate,
                                   **options)
        self.goes_on()

    def goes_on(self, timeout_s=BACK_S):
        """An event is taken, and one arrives, from now on."""
        taken, came = len(self.book.times), len(self.book.came)
        wait_for("an event is taken", lambda:
                 len(self.book.times) > taken, timeout_s)
        wait_for("an event arrives", lambda:
                 len(self.book.came) > came + 1, timeout_s)

    def pids(self, name):
        return self.server.pids(self.paths[name])

    def recoveries(self):
        with open(self.service.dir("s/store/state"), encoding="ascii") as f:
            return int(f.read().split()[1])

    def back(self, name, than):
        """The web server has started another one than those."""
        return wait_for(f"{name} is started again", lambda:
                        [p for p in self.pids(name) if p not in than], BACK_S)

    def ends_well(self):
        """All that was taken arrives, nothing else does, the store is sound."""
        if self.publisher is not None:
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
        self.service.close()


@pytest.fixture
def killed():
    made = []

    def make(**options):
        made.append(Killed(**options))
        return made[-1]

    yield make
    for k in made:
        k.close()


def test_random_kills_under_load_lose_nothing():
    seed = int(time.time())
    t = Torture(seconds=8, seed=seed, gap_s=0.2, with_lighttpd=False)
    try:
        t.run()
        assert t.faults == [], f"seed {seed}"
        assert sum(t.counts.values()) >= 10, t.counts
        assert t.recovered >= 3
        assert len(t.book.kept) >= 100
    finally:
        t.close()


def test_the_others_go_on_and_the_killed_one_comes_back(killed):
    k = killed(intakes=2)
    k.publish(mixed=False)
    for name in ("intake", "sweep", "intake", "sweep"):
        pids, recoveries = k.pids(name), k.recoveries()
        at = time.monotonic()
        os.kill(pids[0], signal.SIGKILL)
        wait_for("others take an event", lambda:
                 k.book.times[-1] > at + SURVIVORS_S + 0.5, BACK_S)
        pause = k.book.longest_pause(since=at - 0.5)
        assert pause <= SURVIVORS_S + 3 * k.stalls.longest, name
        k.back(name, pids)
        wait_for("it is recovered", lambda: k.recoveries() > recoveries)
        k.goes_on()
    k.ends_well()


def test_one_that_is_stopped_inside_holds_nobody_up(killed):
    k = killed(intakes=2)
    k.publish(mixed=False)
    [sweep] = k.pids("sweep")
    os.kill(sweep, signal.SIGSTOP)
    at = time.monotonic()
    os.kill(k.pids("intake")[0], signal.SIGKILL)
    wait_for("the other intake takes events", lambda:
             k.book.times[-1] > at + SURVIVORS_S + 0.5, BACK_S)
    pause = k.book.longest_pause(since=at - 0.5)
    assert pause <= SURVIVORS_S + 3 * k.stalls.longest
    wait_for("the stopped one was ended", lambda: not is_alive(sweep))
    k.back("sweep", [sweep])
    k.ends_well()


def test_a_killed_lighttpd_is_replaced_while_its_children_live(killed):
    k = killed()
    for path in ("/sweep/health", "/admin"):    # now they know their parent
        k.server.get(path)
    k.publish(mixed=False)
    port, children = k.server.port, k.server.pids()
    assert len(children) == 3
    k.server.kill()
    k.server.start(port)
    # Long enough for all that belonged to the old one to have ended.
    at = time.monotonic()
    wait_for("events are taken afterwards", lambda:
             k.book.times[-1] > at + GONE_S, BACK_S)
    k.goes_on()
    k.ends_well()


def test_children_of_a_killed_lighttpd_leave_and_a_new_one_starts_its_own(
        killed):
    k = killed()
    for path in ("/sweep/health", "/admin"):
        k.server.get(path)
    k.publish(mixed=False)
    port, children = k.server.port, k.server.pids()
    recoveries = k.recoveries()
    k.server.kill()
    wait_for("they are gone", lambda: not any(map(is_alive, children)),
             GONE_S + k.stalls.longest)
    assert k.recoveries() == recoveries
    k.server.start(port)
    k.goes_on()
    for name in ("intake", "sweep"):
        pids = k.pids(name)
        os.kill(pids[0], signal.SIGKILL)
        k.back(name, pids)
    k.goes_on()
    k.ends_well()


def test_replaced_binaries_make_way_for_the_new_ones(killed, directory):
    def copy(name):
        return shutil.copy2(harness.built(name), directory(name))

    k = killed(path=copy)
    k.publish(mixed=False)
    k.server.get("/admin")
    old = {name: k.pids(name) for name in k.paths}
    recoveries = k.recoveries()
    for path in k.paths.values():
        shutil.copy2(path, path + ".new")
        os.rename(path + ".new", path)
    for name, pids in old.items():
        wait_for(f"the old {name} ends", lambda pids=pids:
                 not any(map(is_alive, pids)), GONE_S + k.stalls.longest)
    for name, pids in old.items():
        k.back(name, pids)
    assert k.recoveries() == recoveries
    k.goes_on()
    k.ends_well()


def test_sigterm_of_any_program_ends_it_in_order(killed):
    k = killed()
    k.publish()
    k.server.get("/admin")
    recoveries = k.recoveries()
    for name in ("intake", "sweep", "admin", "intake", "sweep"):
        pids = k.pids(name)
        os.kill(pids[0], signal.SIGTERM)
        wait_for(f"{name} ends", lambda pids=pids: not is_alive(pids[0]),
                 GONE_S + k.stalls.longest)
        k.back(name, pids)
    assert k.recoveries() == recoveries     # nobody died inside
    k.ends_well()


def test_the_command_may_be_killed_in_the_middle_of_its_work(killed):
    k = killed()
    k.publish(mixed=False)
    recoveries, n = k.recoveries(), 0
    for sig in (signal.SIGKILL, signal.SIGTERM) * 4:
        names = [f"C{n}.{i}" for i in range(200)]
        n += 1
        path = k.service.dir.write("events.json", "[" + ",".join(
            str(event(name)).replace("'", '"') for name in names) + "]")
        process = subprocess.Popen(
            [harness.built("skycap"), "send", path], env=k.service.env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # From its slot being there until it is gone, it is inside.
        wait_for("it is inside", lambda p=process: p.poll() is not None or
                 any(name.startswith(f"p{p.pid}.") for name in os.listdir(
                     k.service.dir("s/store/run"))))
        process.send_signal(sig)
        process.communicate()
        for name in names:
            k.book.answered(name, None)
    wait_for("it was recovered", lambda: k.recoveries() > recoveries)
    k.goes_on()
    k.ends_well()


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

    def run(self, *args, user="root", program="skycap", check=True):
        who = pwd.getpwnam(user)
        done = subprocess.run(
            [self.dir(program), *args], text=True, capture_output=True,
            env={"SKYCAP_CONF": self.conf, "PATH": os.environ["PATH"]},
            user=who.pw_uid, group=who.pw_gid, extra_groups=[], check=False,
            timeout=60, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, done
        return done

    def strangers(self):
        """What in the owner's directory does not belong to the owner."""
        return [os.path.join(top, name)
                for top, dirs, files in os.walk(self.dir("s"))
                for name in dirs + files
                if os.lstat(os.path.join(top, name)).st_uid !=
                self.owner.pw_uid]


@needs_root
def test_root_works_as_the_owner_of_the_store(directory, receiver):
    r, o = receiver(), Owned(directory)
    client = o.run("client", "add", "Wander", "--all").stdout.strip()
    task = directory.write("task.json", '{"httpRequest": {"url": "%s", '
                           '"jsonBody": {"orderID": "{{agwID}}"}}}' % r.url())
    o.run("subscription", "add", "--client", client, "--file", task,
          "--event", "OrderTicketed")
    events = directory.write("e.json", str(event("A1")).replace("'", '"'))
    o.run("send", events)
    assert '"delivered":1' in o.run("sweep", "--once").stdout
    for args in (["stats"], ["deliveries"], ["verify", "--pages"]):
        o.run(*args)
    assert [g.json()["orderID"] for g in r.got] == ["A1"]
    assert o.strangers() == []
    assert "1" in o.run("stats", user="nobody").stdout


@needs_root
def test_programs_started_by_root_work_as_the_owner(directory):
    o = Owned(directory)
    names = ("intake", "sweep", "admin")
    with harness.Lighttpd([
            harness.Program(f"/{n}", directory(f"{n}.fcgi"),
                            env={"SKYCAP_CONF": o.conf})
            for n in names]) as server:
        answer = server.post("/intake/events", str(event("A1")).replace(
            "'", '"'), {"Authorization": f"Bearer {o.key}",
                        "Content-Type": "application/json"})
        assert answer.status == 202, answer
        assert server.get("/sweep/health").status == 200
        assert server.get("/admin").status == 401
        for name in names:
            [pid] = server.pids(directory(f"{name}.fcgi"))
            assert set(ids_of(pid)) == {o.owner.pw_uid, o.owner.pw_gid}
        wait_for("the sweep listens", lambda:
                 os.path.exists(o.dir("s/store/nudge")))
        assert o.strangers() == []


def ids_of(pid):
    """All user and group ids that a process has."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return [int(i) for line in f if line.startswith(("Uid:", "Gid:"))
                for i in line.split()[1:]]


@needs_root
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_another_user_is_told_whom_to_be(directory, mode):
    o = Owned(directory)
    # Also where the configuration can be read, and the key's place be seen.
    os.chmod(directory("s"), mode)
    os.chmod(o.conf, 0o600 if mode == 0o700 else 0o644)
    for args in (["stats"], ["send", "/dev/null"], ["sweep", "--once"],
                 ["client", "list"]):
        done = o.run(*args, user="daemon", check=False)
        assert done.returncode == 2, done
        assert "nobody" in done.stderr and done.stderr.count("\n") <= 2, done
        assert done.stdout == ""


@needs_root
def test_a_program_of_another_user_ends_and_says_whom_to_be(directory):
    o = Owned(directory)
    os.chmod(directory("s"), 0o755)
    os.chmod(o.conf, 0o644)
    who = pwd.getpwnam("daemon")
    program = harness.FastCgi(directory("intake.fcgi"),
                              {"SKYCAP_CONF": o.conf},
                              as_user=(who.pw_uid, who.pw_gid))
    with program:
        assert program.process.wait(10) == 2
        assert "nobody" in program.log()


# Out of room, out of reach


class Tmpfs:
    """Puts a store onto a small file system of its own, or skips the test."""

    def __init__(self, store, mib):
        self.store = store
        away = tempfile.mkdtemp(prefix="skycap-e2e-", dir=os.path.dirname(
            store))
        os.rename(store, away + "/store")
        os.mkdir(store, 0o700)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}M,mode=0700", "tmpfs",
             store], capture_output=True, text=True, check=False)
        self.mounted = done.returncode == 0
        if not self.mounted:
            pytest.skip("can't mount a tmpfs: " + done.stderr.strip())
        for name in os.listdir(away + "/store"):
            # What depends on the size of the cache is made anew.
            if not name.startswith("__db.") and name not in (
                    "ballast", "run", "gate"):
                shutil.copy2(f"{away}/store/{name}", store)
        shutil.rmtree(away)

    def free(self):
        v = os.statvfs(self.store)
        return v.f_bavail * v.f_frsize

    def fill(self, leave_mib):
        with open(self.store + "/filler", "ab") as f:
            while True:
                n = min(self.free() - leave_mib * 1024 * 1024, 1 << 20)
                if n <= 0:
                    return
                try:
                    f.write(b"\xa5" * n)
                    f.flush()
                except OSError:
                    return      # somebody else took the rest

    def empty(self):
        os.unlink(self.store + "/filler")

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", self.store], check=True)


@pytest.fixture
def full(killed):
    """full() is a Killed whose store is on a small disk, k.disk."""
    made = []

    def make():
        k = killed()
        k.server.stop_programs = None
        made.append(k)
        return k

    yield make
