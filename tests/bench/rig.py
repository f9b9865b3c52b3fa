"""What the benches are made of: a sink, a service, the C programs, figures.

Sink takes what is delivered and counts it; Skycap is a service with any number
of subscriptions, served behind lighttpd.  Everything is stopped by its pid
when its with statement ends.  Nothing here knows what is measured.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "e2e"))

import harness  # noqa: E402
import service  # noqa: E402

KEEP_ALIVE = "server.max-keep-alive-requests = 100000000"
IMPORT_MOST = 10000         # subscriptions of one client, by its file
BODY_PAD = "All fares are subject to the conditions of the carrier. " * 7
TASK = {
    "httpRequest": {
        "url": "",
        "header": {"authorization": "Basic YourPassword"},
        "jsonBody": {
            "orderID": "{{agwID}}", "agent": "{{agent}}",
            "agency": "{{agency}}", "pnr": "{{pnr}}",
            "freeText":
                "Order has been ticketed, this is your order ID: {{agwID}}",
            "note": BODY_PAD,
        },
    },
}


def task(url, lanes=None, **settings):
    """A subscription to the events of some of bench_load's lanes, or all."""
    made = json.loads(json.dumps(TASK))
    made["event"] = ["OrderTicketed"]
    made["httpRequest"]["url"] = url
    if lanes is not None:
        names = [f"A{lane:03}" for lane in lanes]
        made["filter"] = [
            {"field": "agency", "op": "in", "value": names} if names[1:] else
            {"field": "agency", "op": "=", "value": names[0]}]
    if settings:
        made["settings"] = settings
    return made


def tool(name):
    return harness.built(f"tests/bench/bench_{name}")


def measure(name, *args, timeout=120):
    """Run one of the C programs to its end: the object that it prints."""
    done = subprocess.run([tool(name), *map(str, args)], text=True,
                          capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"bench_{name}: {done.stderr}")
    if done.stderr:
        print(f"bench_{name}: {done.stderr}", file=sys.stderr)
    return json.loads(done.stdout)


class Sink:
    def __init__(self, ports=1, delay_ms=0):
        self.process = subprocess.Popen(
            [tool("sink"), "--ports", str(ports), "--delay", str(delay_ms)],
            stdout=subprocess.PIPE, text=True)
        self.ports = self.process.stdout.readline().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, i=0, endpoint=None):
        """Of port i; of that endpoint, if it is not the port's own."""
        path = "/bench" if endpoint is None else f"/bench/{endpoint}"
        return f"http://127.0.0.1:{self.ports[i % len(self.ports)]}{path}"

    def tasks(self, **settings):
        """A subscription for each port, to the lane of its number."""
        n = len(self.ports)
        return [task(self.url(i), [i] if n > 1 else None, **settings)
                for i in range(n)]

    def ask(self, path):
        c = http.client.HTTPConnection("127.0.0.1", int(self.ports[-1]),
                                       timeout=30)
        c.request("GET", path)
        got = json.loads(c.getresponse().read())
        c.close()
        return got

    def wait(self, n, timeout_s):
        """What it has got, once that is n different messages or in vain."""
        until = time.monotonic() + timeout_s
        while True:
            got = self.ask("/stats")
            if got["distinct"] >= n or time.monotonic() > until:
                got["missing"] = max(0, n - got["distinct"])
                return got
            time.sleep(0.05)

    def rates(self, n):
        """Messages a second, of each n since the last reset."""
        marks = self.ask("/marks")
        step = max(1, n // marks["every"])
        at = [self.ask("/stats")["first_us"],
              *marks["at_us"][step - 1::step]]
        return [n / max(1e-6, (b - a) / 1e6) for a, b in zip(at, at[1:])]


class Skycap(service.Service):
    """A service with these subscriptions; without any, with one to nowhere."""

    def __init__(self, tasks=None, conf=""):
        super().__init__(conf)
        tasks = tasks or [task("http://127.0.0.1:9/nowhere")]
        self.subscriptions = []
        for i in range(0, len(tasks), IMPORT_MOST):
            self.subscriptions += json.loads(self.run(
                "client", "import", "-", "--json", stdin=json.dumps({
                    "format": 1, "client": {"name": "Bench", "all": True},
                    "subscriptions": [{"state": "active", "task": t}
                                      for t in tasks[i:i + IMPORT_MOST]],
                }), timeout=300))["subscriptions"]
        self.lanes = len(tasks)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def serve(self, *names, more=(), mode="fcgi"):
        """Serve just these; when that began, in microseconds."""
        if self.server is not None:
            self.server.stop()
        programs = [p for p in self.programs(mode)
                    if p.prefix[1:] in names] + list(more)
        self.server = harness.Lighttpd(programs, KEEP_ALIVE, fds=8192)
        began = time.monotonic()
        self.server.start()
        return began * 1e6

    def load_args(self, path="/intake/events", **options):
        """bench_load's; count=5 becomes --count 5, scatter=True --scatter."""
        options.setdefault("lanes", self.lanes)
        args = ["--port", self.server.port, "--path", path, "--key", self.key]
        for name, value in options.items():
            args += [f"--{name}"] if value is True else [f"--{name}", value]
        return [str(arg) for arg in args]

    def load(self, path="/intake/events", **options):
        return measure("load", *self.load_args(path, **options), timeout=400)

    def pid(self, name):
        return self.server.pids(harness.built(f"{name}.fcgi"))[0]

    def settled(self, timeout_s=30):
        harness.wait_for("nothing is pending",
                         lambda: self.sweep()["pending"] == 0, timeout_s)

    def stats(self):
        return json.loads(self.run("stats", "--json"))

    def metrics(self):
        """What the sweep says of itself, by its names."""
        text = self.server.get(
            f"/sweep/metrics?token={self.made['sweep_token']}").body.decode()
        return {name: int(value) for name, value in (
            line.split() for line in text.splitlines() if line[0] != "#")}

    def files(self):
        """Bytes of each database, once they no longer grow."""
        def sizes():
            where = self.dir("s/store")
            return {n: os.stat(os.path.join(where, n)).st_size
                    for n in os.listdir(where) if n.endswith(".db")}
        last, since = sizes(), time.monotonic()
        while time.monotonic() < since + 4:
            time.sleep(0.2)
            now = sizes()
            if now != last:
                last, since = now, time.monotonic()
        return last


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", "rb") as f:
        fields = f.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_dirty(pid):
    """KiB that a process has of its own, without the store's shared cache."""
    own, shared = 0, False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as f:
        for line in f:
            name = line.split(None, 1)[0]
            if not name.endswith(":"):
                shared = "/__db." in line
            elif name == "Private_Dirty:" and not shared:
                own += int(line.split()[1])
    return own


def wrong(*runs):
    bad = sum(got["wrong"] + got["lost"] for got in runs)
    return f"; {bad} NOT ANSWERED 202" if bad else ""


def middle(runs):
    """The run of the median speed."""
    return sorted(runs, key=lambda got: got["per_s"])[len(runs) // 2]


def busy():
    """The share of all processors that others use, in half a second."""
    def times():
        with open("/proc/stat", encoding="utf-8") as f:
            return [int(v) for v in f.readline().split()[1:9]]
    before = times()
    time.sleep(0.5)
    spent = [b - a for a, b in zip(before, times())]
    return 1 - (spent[3] + spent[4]) / max(1, sum(spent))


def sync_us(count=100):
    """Half of the synced appends of 4 KiB take no longer."""
    took = []
    with tempfile.TemporaryFile() as f:
        for _ in range(count):
            os.write(f.fileno(), b"x" * 4096)
            at = time.monotonic()
            os.fdatasync(f.fileno())
            took.append((time.monotonic() - at) * 1e6)
    return statistics.median(took)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = {s.split(":")[1].strip() for s in f
                  if s.startswith("model name")}
    tmp = os.path.realpath(tempfile.gettempdir())
    kind, best = "?", ""
    with open("/proc/mounts", encoding="utf-8") as f:
        for _, where, fs, *_ in map(str.split, f):
            if len(where) >= len(best) and \
                    (tmp + "/").startswith(where.rstrip("/") + "/"):
                best, kind = where, fs
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": ", ".join(models) or os.uname().machine,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": os.uname().release.split("-")[0],
        "store_on": kind,
        "fdatasync_us": round(sync_us()),
        "load_before": round(os.getloadavg()[0], 2),
    }
