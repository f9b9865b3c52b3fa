#!/usr/bin/python3
"""Does the service deliver what it accepted, whoever is killed when?

Events are posted to a whole service behind lighttpd while its programs, the
command in the middle of its work, and now and then lighttpd itself are killed,
ended or stopped for a while, at random.  In the end every event that was
accepted must have arrived at every endpoint, none that was refused, each must
be on record once, and the store must be sound.  Proves safety from kills; not
from power loss, for which the kernel would have to die too.

The same seed makes the same plan, not the same race.
"""

import argparse
import bisect
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../e2e"))

# pylint: disable=wrong-import-position
import harness          # noqa: E402
import lanes            # noqa: E402
import load             # noqa: E402
from service import Service     # noqa: E402

PATHS = ("/one", "/two")
FAIL = 0.02             # of all requests to an endpoint
STILL_S = 90            # without anything arriving: what is missing is lost
PAUSE_S = 15            # without anything taken: longer is a fault
SURVIVORS_S = 2         # the same while an intake lives, after another died
NOTICED_S = 0.5         # for the survivors to see that one was killed
LONGEST_S = 120         # of a run that waits for enough to have happened
CALM_S = 5              # for all to be well after they were not
KNOWS_PARENT_S = 2.6    # of age, for a program to know its parent
ENDS_WELL = (0, 75)     # 75: left an environment that can't be trusted


class Stalls(threading.Thread):
    """How long this machine gave us no time, so as not to blame the service."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest, self.ending = 0.0, threading.Event()

    def run(self):
        last = time.monotonic()
        while not self.ending.wait(0.02):
            now = time.monotonic()
            self.longest = max(self.longest, now - last - 0.02)
            last = now


def age_s(pid):
    """How long ago a process was started; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            ticks = int(f.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - \
        ticks / os.sysconf("SC_CLK_TCK")


def go_on(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass                    # ended by those it held up


class Torture:
    """One run.  gap_s is the mean time between two kills.

    It lasts longer until at_least was done to it, a quarter as many
    recoveries were seen and ten times as many events taken: a busy machine
    takes its time.
    """

    def __init__(self, seconds, seed, rate=150.0, gap_s=0.7, intakes=2,
                 with_lighttpd=True, at_least=0, with_lanes=True):
        self.seconds, self.gap_s = seconds, gap_s
        self.at_least = at_least
        self.random = random.Random(seed)
        self.book = load.Book()
        self.endpoints = load.Endpoints(self.book, FAIL, seed)
        self.service = Service("[store]\ncache = 16M\n")
        programs = self.service.programs()
        programs[0].procs = intakes
        self.paths = {p.prefix.strip("/"): p.path for p in programs}
        self.service.server = harness.Lighttpd(programs)
        self.server = self.service.server
        self.seed, self.rate = seed, rate
        self.counts = {}
        self.done = []          # (when, what)
        self.faults = []
        self.stopped = []       # (who lets it go on, pid)
        self.kills = []         # when, while an intake was there to go on
        self.calm = 0.0         # not before, as there was none
        self.commands = 0
        self.recovered = 0
        self.pause_s = self.survivors_s = 0.0
        self.plan = [
            (24, self._kill, "intake"), (20, self._kill, "sweep"),
            (4, self._kill, "admin"), (4, self._kill_all, None),
            (7, self._end, "intake"), (7, self._end, "sweep"),
            (6, self._stop, "intake"), (6, self._stop, "sweep"),
            (10, self._send, None), (8, self._command, None)]
        if with_lighttpd:
            self.plan.append((2, self._lighttpd, None))
        self.lanes, self.paused = None, None
        if with_lanes:
            self.lanes = lanes.Lanes(self.service, FAIL, seed)
            self.plan += [(6, self._pause, None), (6, self._rotate, None)]

    # What is done to it

    def _count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1
        self.done.append((time.monotonic(), what))

    def _signal(self, pid, sig, what):
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            return False
        self._count(what)
        return True

    def _victim(self, name):
        pids = self.server.pids(self.paths[name])
        return self.random.choice(sorted(pids)) if pids else None

    def _kill(self, name):
        intakes = self.server.pids(self.paths["intake"])
        pid = self._victim(name)
        if pid is None:
            return
        at = time.monotonic()
        if len(set(intakes) - {pid}) == 0:
            self._unsettle()
        elif at > self.calm:
            self.kills.append(at)
        self._signal(pid, signal.SIGKILL, f"killed {name}")

    def _kill_all(self, _):
        self._unsettle()
        for pid in self.server.pids():
            self._signal(pid, signal.SIGKILL, "killed with all")

    def _unsettle(self):
        """Nobody is left, or answers, who could go on: it takes its time."""
        at = time.monotonic()
        self.calm = at + CALM_S
        self.kills = [t for t in self.kills if t + SURVIVORS_S < at]

    def _end(self, name):
        pid = self._victim(name)
        if pid is not None:
            self._signal(pid, signal.SIGTERM, f"ended {name}")

    def _stop(self, name):
        pid = self._victim(name)
        if pid is not None and self._signal(pid, signal.SIGSTOP,
                                            f"stopped {name}"):
            timer = threading.Timer(self.random.uniform(0.05, 3), go_on,
                                    [pid])
            timer.start()
            self.stopped.append((timer, pid))
            if name == "intake":    # all connections may wait for that one
                self._unsettle()

    def _go_on(self):
        """Whoever is still stopped."""
        for timer, pid in self.stopped:
            if timer.is_alive():
                timer.cancel()
                timer.join()
                go_on(pid)
        self.stopped = []

    def _lighttpd(self, _):
        """Kill the web server, and start it again while its children live.

        A program younger than 2 s that nobody asked anything can't tell
        whether its starter meant to leave it alone, as spawn-fcgi does; it
        stays, and no lighttpd would start it again once it is killed.
        """
        port = self.server.port
        self._unsettle()
        self._go_on()
        harness.wait_for("all programs know their parent", lambda: sorted(
            age_s(pid) > KNOWS_PARENT_S for pid in self.server.pids()) ==
            [True] * sum(p.procs for p in self.server.programs), STILL_S)
        self.server.kill()
        self._count("killed lighttpd")
        time.sleep(self.random.choice((0, 0, 0.5, 1, 2.5)))
        self.server.start(port)

    def _spawn(self, *args):
        return subprocess.Popen(
            [harness.built("skycap"), *args], env=self.service.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def _finish(self, process, what):
        """Let it end, or not.  (status, output, errors)"""
        if self.random.random() < 0.7:
            try:
                process.wait(self.random.uniform(0.0, 0.15))
            except subprocess.TimeoutExpired:
                sig = self.random.choice((signal.SIGKILL, signal.SIGKILL,
                                          signal.SIGTERM))
                process.send_signal(sig)
                self._count(f"killed skycap {what}")
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def _send(self, _):
        """The command is killed in the middle of accepting events."""
        self.commands += 1
        names = [f"C{self.commands}.{i}"
                 for i in range(self.random.choice((1, 40, 400)))]
        path = self.service.dir.write("events.ndjson", "".join(
            json.dumps(load.event(name)) + "\n" for name in names))
        status, out, err = self._finish(self._spawn("send", path), "send")
        ids = out.splitlines() if out.endswith("\n") else \
            out.splitlines()[:-1]
        if err:                 # some were not taken: which, it does not say
            ids = []
        elif status == 0 and len(ids) != len(names):
            self.faults.append(f"send took {len(ids)} of {len(names)}")
        for name, event_id in zip(names, ids):
            self.book.answered(name, 202, event_id)
        for name in names[len(ids):]:
            self.book.answered(name, None)

    def _command(self, _):
        args = self.random.choice((
            ("sweep", "--once"), ("sweep", "--once"), ("stats",),
            ("deliveries", "--limit", "200"), ("verify",)))
        status, out, err = self._finish(self._spawn(*args), args[0])
        if args[0] == "verify" and "wrong" in out:
            self.faults.append("verify while it runs: " + out)
        if status < 0 and -status not in (signal.SIGKILL, signal.SIGTERM):
            self.faults.append(f"skycap {args[0]} ended by signal {-status}")
        if "anitizer" in err:
            self.faults.append(err)

    def _pause(self, _):
        """One of the two, or let it go on again."""
        if self.paused is None:
            self.service.run("subscription", "pause", self.subscriptions[1])
            self.paused = self.subscriptions[1]
            self._count("paused")
        else:
            self._resume()

    def _resume(self):
        if self.paused is not None:
            self.service.run("subscription", "resume", self.paused)
        self.paused = None

    def _rotate(self, _):
        if not self.lanes.rotate(self.random.choice(("0", "1h"))):
            self.lanes.rotate("0")
        self._count("rotated")

    # What becomes of it

    def recoveries(self):
        with open(self.service.dir("s/store/state"), encoding="ascii") as f:
            return int(f.read().split()[1])

    def _enough(self, recoveries_before):
        return sum(self.counts.values()) >= self.at_least and \
            self.recoveries() - recoveries_before >= self.at_least / 4 and \
            len(self.book.kept) >= 10 * self.at_least

    def run(self):
        stalls = Stalls()
        stalls.start()
        self.server.start()
        self.subscriptions = [
            self.service.subscribe(self.endpoints.url(path),
                                   retry_s=[1] * 20, concurrency=16)
            for path in PATHS]
        if self.lanes is not None:
            self.lanes.start()
        before = self.recoveries()
        publisher = load.Publisher(self.service, self.book, self.rate,
                                   seed=self.seed)
        begun = time.monotonic()
        try:
            while time.monotonic() < begun + self.seconds or (
                    time.monotonic() < begun + LONGEST_S and
                    not self._enough(before)):
                weights = [w for w, _, _ in self.plan]
                _, act, name = self.random.choices(self.plan, weights)[0]
                act(name)
                self._look_in()
                time.sleep(min(self.random.expovariate(1 / self.gap_s),
                               5 * self.gap_s))
        finally:
            self._go_on()
            publisher.end()
            if self.lanes is not None:
                self.lanes.end()
        self._resume()
        self.pause_s = self.book.longest_pause()
        self.survivors_s = self._longest_after_kills()
        stalls.ending.set()
        self._settle()
        self.recovered = self.recoveries() - before
        self._judge(stalls.longest)

    def _look_in(self):
        """admin attaches when it is asked, and only then can die inside."""
        try:
            self.server.get("/admin", timeout_s=20)
        except OSError:
            pass

    def _longest_after_kills(self):
        """The longest pause that began about when one was killed."""
        times, longest = self.book.times, 0.0
        for at in self.kills:
            i = bisect.bisect(times, at)
            while 0 < i < len(times) and times[i - 1] < at + NOTICED_S:
                longest = max(longest, times[i] - times[i - 1])
                i += 1
        return longest

    def _settle(self):
        """Until all that was taken has arrived and nothing is pending."""
        begun = time.monotonic()
        while True:
            missing = self.book.missing(PATHS)
            came = self.book.came[-1:]
            if self.lanes is not None:
                missing += self.lanes.missing()
                came += self.lanes.book.came[-1:]
            try:
                pending = self.service.sweep()["pending"]
            except (OSError, ValueError, KeyError):
                pending = None
            if not missing and pending == 0:
                return
            last = max([begun] + came)
            if time.monotonic() > last + STILL_S:
                self.faults.append(f"pending in the end: {pending}")
                return
            time.sleep(0.1)

    def _judge(self, stall_s):
        f = self.faults
        f += self.book.wrong
        missing, ghosts = self.book.missing(PATHS), self.book.ghosts()
        if missing:
            f.append(f"{len(missing)} taken and never arrived: {missing[:5]}")
        if ghosts:
            f.append(f"{len(ghosts)} refused and arrived: {ghosts[:5]}")
        if self.pause_s > PAUSE_S + 3 * stall_s:
            f.append(f"a pause of {self.pause_s:.1f} s")
        if self.survivors_s > SURVIVORS_S + 3 * stall_s:
            f.append(f"a survivor took {self.survivors_s:.1f} s to go on")
        if self.lanes is not None:
            f += [f"{p} {n} never arrived" for p, n in self.lanes.missing()[:5]]
            f += self.lanes.judge()
        self._judge_records()
        out = self.service.run("verify", "--pages", check=False, timeout=300)
        if self.service.last.returncode != 0:
            f.append("verify --pages: " + out + self.service.last.stderr)
        log = self.server.log()
        for line in re.findall(r".*(?:anitizer|runtime error|fatal:).*", log):
            f.append(line)
        for line in re.findall(r"child signalled: \d+", log):
            if int(line.split()[-1]) not in (signal.SIGKILL, signal.SIGTERM):
                f.append(line)
        for line in re.findall(r"child exited: \d+", log):
            if int(line.split()[-1]) not in ENDS_WELL:
                f.append(line)

    def _judge_records(self):
        """Each event that was taken is there once, each delivery delivered."""
        times, states = {}, {}
        lines = self.service.run("deliveries", "--json", "--limit", "1000000",
                                 timeout=900)
        for d in map(json.loads, lines.splitlines()):
            key = (d["subscription"], d["event"])
            times[key] = times.get(key, 0) + 1
            states[d["state"]] = states.get(d["state"], 0) + 1
        twice = [key for key, n in times.items() if n > 1]
        if twice:
            self.faults.append(f"{len(twice)} accepted twice: {twice[:5]}")
        if set(states) - {"delivered"}:
            self.faults.append(f"states in the end: {states}")
        known = {event for _, event in times}
        gone = [n for n, event in self.book.kept.items()
                if event is not None and event not in known]
        if gone:
            self.faults.append(f"{len(gone)} not on record: {gone[:5]}")

    def report(self):
        b = self.book
        if self.lanes is not None:
            yield self.lanes.report()
        kills = sum(n for what, n in self.counts.items() if "killed" in what)
        yield (f"{kills} kills, {sum(self.counts.values()) - kills} ended or "
               f"stopped, {self.recovered} recoveries")
        yield ", ".join(f"{n} {what}" for what, n in
                        sorted(self.counts.items()))
        yield (f"{len(b.kept)} events taken, {b.duplicates} more answered as "
               f"duplicates, {b.unanswered} unanswered, {b.unavailable} "
               "refused for now")
        yield (f"{len(b.came)} messages arrived, {b.twice()} of them again; "
               f"longest pause in taking {self.pause_s:.2f} s, "
               f"{self.survivors_s:.2f} s where an intake had survived")
        if self.pause_s > CALM_S:
            yield "in that pause: " + ", ".join(self._in_pause())

    def _in_pause(self):
        """What was done while nothing was taken, and after how long."""
        times = self.book.times
        begin = max(range(len(times) - 1),
                    key=lambda i: times[i + 1] - times[i])
        return [f"{what} at {at - times[begin]:.2f}" for at, what in self.done
                if -1 < at - times[begin] < self.pause_s]

    def close(self, keep=False):
        if keep:
            self.server.process.kill()
            harness.end_all(self.server.mark)
            print(f"kept: {self.service.dir.path}, {self.server.dir.path}")
        else:
            self.server.abandon()
            self.service.dir.remove()
        if self.lanes is not None:
            self.lanes.close()
        self.endpoints.close()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seconds", type=float, default=300)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--rate", type=float, default=150, help="events a second")
    p.add_argument("--gap", type=float, default=0.7,
                   help="mean seconds between two kills")
    p.add_argument("--intakes", type=int, default=2)
    p.add_argument("--keep", action="store_true",
                   help="keep the store and the logs if something is wrong")
    args = p.parse_args()
    print(f"seed {args.seed}", flush=True)
    t = Torture(args.seconds, args.seed, args.rate, args.gap, args.intakes)
    try:
        t.run()
        for line in t.report():
            print(line)
        for fault in t.faults:
            print(f"wrong: {fault}")
    finally:
        t.close(args.keep and bool(t.faults))
    sys.exit(1 if t.faults else 0)


if __name__ == "__main__":
    main()
