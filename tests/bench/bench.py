#!/usr/bin/python3
"""make bench: how fast Skycap is, beside the bare limits of the same run.

    bench.py [--quick] [--only NAME]... [--json FILE] [--markdown FILE]
             [--list]

Serves the built programs behind lighttpd as the end-to-end tests do, drives
them with the small C programs beside this file, and prints one table.  Every
ratio is of two figures taken within seconds of each other on the same machine;
the figures by themselves say little.  Everything is on loopback, in temporary
directories, bounded, and stopped by its pid.  --quick does a fifth of it all,
to see that it works; its figures are not worth keeping.
"""

import argparse
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
    def __init__(self, ports=1):
        self.process = subprocess.Popen(
            [tool("sink"), "--ports", str(ports)],
            stdout=subprocess.PIPE, text=True)
        self.ports = self.process.stdout.readline().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, i=0):
        return f"http://127.0.0.1:{self.ports[i % len(self.ports)]}/bench"

    def ask(self, path):
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", int(self.ports[-1]))
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


class Skycap(service.Service):
    """A service with a subscription, or one for each of some lanes."""

    def __init__(self, lanes=1, sink=None):
        super().__init__()
        client = self.client("Bench", "--all")
        for i in range(lanes):
            task = json.loads(json.dumps(TASK))
            if lanes > 1:
                task["filter"] = [{"field": "agency", "op": "=",
                                   "value": f"A{i:03}"}]
            self.subscribe(sink.url(i) if sink else
                           "http://127.0.0.1:9/nowhere", client, task=task)
        self.lanes = lanes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def serve(self, *names, more=(), mode="fcgi"):
        if self.server is not None:
            self.server.stop()
        programs = [p for p in self.programs(mode)
                    if p.prefix[1:] in names] + list(more)
        self.server = harness.Lighttpd(programs, KEEP_ALIVE)
        self.server.start()

    def load(self, path="/intake/events", **options):
        """bench_load; count=5 becomes --count 5, scatter=True --scatter."""
        args = []
        for name, value in options.items():
            args += [f"--{name}"] if value is True else [f"--{name}", value]
        return measure("load", "--port", self.server.port, "--path", path,
                       "--key", self.key, "--lanes", self.lanes, *args)

    def pid(self, name):
        return self.server.pids(harness.built(f"{name}.fcgi"))[0]

    def settled(self, timeout_s=30):
        harness.wait_for("nothing is pending",
                         lambda: self.sweep()["pending"] == 0, timeout_s)

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


class Bench:
    def __init__(self, quick):
        self.part = 0.2 if quick else 1.0
        self.rows = []
        self.raw = {"quick": quick}

    def n(self, count):
        return int(count * self.part)

    def s(self, seconds):
        return max(1, round(seconds * self.part))

    def row(self, what, got, unit="", bare=None, asked=None, met=None,
            note=""):
        """A line of the table.  asked is text; met None: not asked for."""
        self.rows.append({"what": what, "got": got, "unit": unit,
                          "bare": bare, "asked": asked, "met": met,
                          "note": note})
        print(line(self.rows[-1]), flush=True)

    def ratio(self, what, got, bare, least, unit="/s", note=""):
        """Against a bare limit, which is None if it was not measured."""
        asked = f">= {least:.0%}" if least and bare else None
        self.row(what, got, unit, bare, asked,
                 got / bare >= least if asked else None, note)

    # --- the measurements, in the order in which they run ---------------

    def engine_loop(self, per):
        with tempfile.TemporaryDirectory(prefix="skycap-engine-") as d:
            return measure("engine", d, per, self.s(3))

    def engine(self):
        for per in (1, 32, 100, 256):
            got = self.engine_loop(per)
            self.raw[f"engine_{per}"] = got
            self.row(f"bare engine, {per} a transaction", got["per_s"],
                     "/s", note=f"{got['cpu_s'] / got['events'] * 1e6:.0f}"
                     " us of CPU each")

    def intake_beside_echo(self, sky, n):
        """Taken in turns, so that a noisy moment meets both; medians."""
        times = 3 if n == 32 else 1
        echo, took, cpu = [], [], 0.0
        for _ in range(times):
            echo.append(sky.load("/echo", connections=n,
                                 seconds=self.s(6 / times)))
            before = cpu_seconds(sky.pid("intake"))
            took.append(sky.load(connections=n, seconds=self.s(6 / times)))
            cpu += cpu_seconds(sky.pid("intake")) - before
        self.raw[f"echo_{n}"], self.raw[f"intake_{n}"] = echo, took
        each = cpu / max(1, sum(g["answered"] for g in took)) * 1e6
        got = middle(took)
        self.ratio(f"intake, {n} connections", got["per_s"],
                   middle(echo)["per_s"], 0.45 if n == 32 else None,
                   note=f"bare echo; p50 {got['p50_us']} us, p99 "
                   f"{got['p99_us']} us, {each:.0f} us of intake's CPU each"
                   + wrong(*took))

    def intake(self):
        echo = harness.Program("/echo", tool("echo"))
        with Skycap() as sky:
            sky.serve("intake", more=[echo])
            sky.load(connections=32, seconds=1)
            for n in (1, 8, 32, 128):
                self.intake_beside_echo(sky, n)
            got = sky.load(connections=32, seconds=self.s(4), scatter=True)
            self.raw["intake_scatter"] = got
            self.row("intake, 32, sender ids in no order", got["per_s"],
                     "/s", note=f"p99 {got['p99_us']} us{wrong(got)}")
            got = sky.load(connections=8, seconds=self.s(4), batch=100)
        self.raw["intake_ndjson"] = got
        bare = [self.engine_loop(per) for per in (100, 256)]
        self.ratio("intake, NDJSON of 100, 8 connections", got["per_s"],
                   max(g["per_s"] for g in bare), 0.70,
                   note="bare engine, the better of 100 and 256 a "
                   "transaction" + wrong(got))
        self.row("the same against 20,000/s", got["per_s"], "/s", None,
                 ">= 20000", got["per_s"] >= 20000)

    def drain(self):
        count = self.n(100000)
        for lanes, handles in ((1, 8), (100, 256)):
            with Sink(ports=lanes) as sink, Skycap(lanes, sink) as sky:
                sky.serve("intake")
                sky.load(connections=4, count=count, batch=100)
                bare = measure("curl", handles, count, *sink.ports)
                sink.ask("/reset")
                sky.serve("sweep")
                first = sink.wait(1, 30)    # it may have to recover first
                before = cpu_seconds(sky.pid("sweep"))
                got = sink.wait(count, 120)
                got["seconds"] = (got["last_us"] - got["first_us"]) / 1e6
                rate = got["distinct"] / max(0.001, got["seconds"])
                sky.settled()
                got["cpu_s"] = cpu_seconds(sky.pid("sweep")) - before
                got["start_cpu_s"] = before
                got["files"] = sky.files()
                again = measure("curl", handles, count, *sink.ports)
                if again["per_s"] > bare["per_s"]:
                    bare = again
                self.raw[f"curl_{lanes}"] = bare
                self.raw[f"drain_{lanes}"] = got
                each = got["cpu_s"] / max(1, got["distinct"] -
                                          first["distinct"])
                self.ratio(f"drain, {lanes} lanes", rate, bare["per_s"],
                           0.40 if lanes == 100 else None,
                           note=f"bare libcurl, {handles} handles; "
                           f"{got['requests'] - got['distinct']} twice, "
                           f"{got['missing']} missing")
                self.row(f"CPU s per 100,000 deliveries, {lanes} lanes",
                         each * 1e5, "s", bare["cpu_s"] /
                         max(1, bare["requests"]) * 1e5,
                         note=f"bare libcurl's beside it; {before:.2f} s "
                         "before its first delivery")
        size = got["files"]
        self.row("bytes on disk per event", sum(
            size[f] for f in ("event.db", "sender.db", "ref.db")) / count,
            "bytes", note="event, sender id, references")
        self.row("bytes on disk per delivery", sum(
            size[f] for f in ("delivery.db", "done.db", "stat.db")) / count,
            "bytes", note="with its attempt")

    def flow(self):
        with Sink(ports=10) as sink, Skycap(10, sink) as sky:
            sky.serve("intake", "sweep")
            sky.load(connections=32, count=self.n(2000))
            sink.wait(self.n(2000), 30)
            sink.ask("/reset")
            got = sky.load(connections=32, seconds=self.s(10),
                           first=1000000)
            until = sink.ask("/stats")["distinct"]
            end = sink.wait(got["answered"], 60)
            s = (end["last_us"] - got["start_us"]) / 1e6
            self.raw["flow"] = {"in": got, "out": end, "seconds": s}
            rate = end["distinct"] / max(0.001, s)
            self.row("in and out at once, 32 connections, 10 lanes", rate,
                     "/s", None, ">= 12000", rate >= 12000,
                     f"in {got['per_s']:.0f}/s; {until} of "
                     f"{got['answered']} had arrived when posting ended, "
                     f"{end['missing']} missing{wrong(got)}")

    def latency(self):
        with Sink(ports=10) as sink, Skycap(10, sink) as sky:
            sky.serve("intake", "sweep")
            for rate, p99_ms in ((200, 3), (1000, 10)):
                sky.load(connections=32, count=rate, rate=rate,
                         first=rate * 1000)
                sink.wait(rate, 10)
                sink.ask("/reset")
                got = sky.load(connections=32, rate=rate,
                               count=rate * self.s(10),
                               first=rate * 1000 + 100000)
                end = sink.wait(got["answered"], 20)
                self.raw[f"latency_{rate}"] = {"in": got, "out": end}
                for p, most in (("p50_us", 1), ("p99_us", p99_ms)):
                    self.row(f"POST to receipt at {rate}/s, {p[:3]}",
                             end[p] / 1e3, "ms", None, f"<= {most} ms",
                             end[p] <= most * 1000,
                             f"answer {got[p] / 1e3:.2f} ms, "
                             f"{end['missing']} missing{wrong(got)}")

    def hung(self):
        lanes, rate, none = 100, 500, None
        count = rate * self.s(8)
        with Sink(lanes) as sink, Skycap(lanes, sink) as sky:
            sky.serve("intake", "sweep")
            sky.load(connections=16, rate=rate, count=rate)
            sink.wait(rate, 20)
            for i, hang in enumerate((0, 1, 50, 90)):
                sink.ask(f"/hang/{hang}")
                sink.ask("/reset")
                got = sky.load(connections=16, rate=rate, count=count,
                               first=100000 * (i + 1))
                want = count // lanes * (lanes - hang)
                end = sink.wait(want, 20)
                self.raw[f"hung_{hang}"] = {"in": got, "out": end}
                none = end["p99_us"] if hang == 0 else none
                met = end["missing"] == 0 and end["p99_us"] <= 2 * none
                self.row(f"{hang} of 100 hung, p99 of the others",
                         end["p99_us"] / 1e3, "ms", None,
                         "twice that of 0" if hang else None,
                         met if hang else None,
                         f"at {rate}/s; p50 {end['p50_us'] / 1e3:.2f} ms, "
                         f"{end['missing']} of {want} missing{wrong(got)}")

    def cgi(self):
        with Skycap() as sky:
            sky.serve("intake", mode="cgi")
            got = sky.load(connections=4, seconds=self.s(4))
            self.raw["cgi"] = got
            self.row("intake as plain CGI, 4 connections", got["per_s"],
                     "/s", None, ">= 300", got["per_s"] >= 300, wrong(got))
            got = sky.load(connections=1, seconds=self.s(4))
            self.raw["cgi_1"] = got
            self.row("intake as plain CGI, 1 connection, p50",
                     got["p50_us"] / 1e3, "ms", None, "<= 5 ms",
                     got["p50_us"] <= 5000, wrong(got))
            held = harness.Lighttpd([p for p in sky.programs("fcgi")
                                     if p.prefix == "/sweep"])
            held.start()
            try:
                got = sky.load(connections=4, seconds=self.s(4))
            finally:
                held.stop()
            self.raw["cgi_held"] = got
            self.row("the same while a sweep stands, 4 connections",
                     got["per_s"], "/s",
                     note=f"p50 {got['p50_us'] / 1e3:.1f} ms{wrong(got)}")

    def memory(self):
        names = ("intake", "sweep", "admin")
        with Sink(ports=10) as sink, Skycap(10, sink) as sky:
            sky.serve(*names)
            sky.server.get("/admin/")
            burst = self.n(10000)
            sky.load(connections=32, count=burst)
            sink.wait(burst, 60)
            now = {n: private_dirty(sky.pid(n)) for n in names}
            time.sleep(self.s(60))
            then = {n: private_dirty(sky.pid(n)) for n in names}
            self.raw["memory"] = {"after": now, "60 s later": then}
            for n in names:
                self.row(f"memory of {n}, 60 s after a burst",
                         then[n] / 1024, "MiB",
                         note=f"right after it {now[n] / 1024:.1f} MiB")
            total = sum(then.values()) / 1024
            self.row("memory of all three, without the cache", total, "MiB",
                     None, "<= 10 MiB", total <= 10)

    def million(self):
        """Only when asked for by name: it takes minutes."""
        count = self.n(1000000)
        with Sink(ports=100) as sink, Skycap(100, sink) as sky:
            sky.serve("intake")
            sky.load(connections=4, count=count, batch=1000)
            sky.serve("sweep")
            peak = 0
            until = time.monotonic() + 300
            while time.monotonic() < until:
                peak = max(peak, private_dirty(sky.pid("sweep")))
                got = sink.ask("/stats")
                if got["distinct"] >= count:
                    break
                time.sleep(0.5)
            s = (got["last_us"] - got["first_us"]) / 1e6
            self.raw["million"] = {"out": got, "peak_kib": peak}
            self.row(f"memory of sweep, {count} pending", peak / 1024,
                     "MiB", None, "<= 64 MiB", peak <= 65536)
            self.row(f"drain of {count}, 100 lanes",
                     got["distinct"] / max(0.001, s), "/s")

    def stages(self):
        got = measure("stages", os.path.join(
            harness.TOP, "src/shape/catalog.json"), int(100 * self.part))
        self.raw["stages"] = got
        for name, v in got.items():
            self.row(name, v["us"], "us",
                     note=f"{v['cpu_us']:.2f} us of CPU")

    def shape(self):
        got = measure("shape", os.path.join(
            harness.TOP, "src/shape/catalog.json"), int(100 * self.part))
        self.raw["shape"] = got
        for name, v in got.items():
            asked = met = None
            if name == "render the help page's task":
                asked, met = ">= 1,000,000 /s", v["per_s"] >= 1000000
            if " of 100000 " in name:
                alone = got[name.replace(" of 100000 ", " of 10 ")]
                asked = "twice that of 10"
                met = v["ns"] <= 2 * alone["ns"]
            self.row(name, v["per_s"], "/s", asked=asked, met=met,
                     note=f"{v['ns']:,.0f} ns for {v['bytes']} bytes")


ALL = ("engine", "intake", "drain", "flow", "latency", "hung", "cgi",
       "memory", "stages", "shape")


def wrong(*runs):
    bad = sum(got["wrong"] + got["lost"] for got in runs)
    return f"; {bad} NOT ANSWERED 202" if bad else ""


def middle(runs):
    """The run of the median speed."""
    return sorted(runs, key=lambda got: got["per_s"])[len(runs) // 2]


def number(v):
    if v is None:
        return ""
    return f"{v:,.0f}" if v >= 100 else f"{v:.2f}"


def line(r):
    verdict = {None: "", True: "met", False: "not yet"}[r["met"]]
    share = f"{r['got'] / r['bare']:.0%}" if r["bare"] else ""
    return (f"{r['what']:<48}{number(r['got']):>9} {r['unit']:<6}"
            f"{number(r['bare']):>9} {share:>5}  {r['asked'] or '':<16}"
            f"{verdict:<8}{r['note'].lstrip('; ')}")


def markdown(rows):
    """The table as RESULTS.md has it."""
    out = ["| what | measured | bare limit | ratio | asked | |  |",
           "|---|---:|---:|---:|---|---|---|"]
    for r in rows:
        share = f"{r['got'] / r['bare']:.0%}" if r["bare"] else ""
        verdict = {None: "", True: "met", False: "**not yet**"}[r["met"]]
        out.append(f"| {r['what']} | {number(r['got'])} {r['unit']} "
                   f"| {number(r['bare'])} | {share} | {r['asked'] or ''} "
                   f"| {verdict} | {r['note'].lstrip('; ')} |")
    return "\n".join(out) + "\n"


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


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only", action="append", metavar="NAME",
                   choices=ALL + ("million",))
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--list", action="store_true")
    o = p.parse_args()
    if o.list:
        print("\n".join(ALL + ("million",)))
        return
    b = Bench(o.quick)
    b.raw["machine"] = machine()
    print("  ".join(f"{k}: {v}" for k, v in b.raw["machine"].items()))
    print(f"{'':<48}{'':>9} {'':<6}{'bare':>9} {'share':>5}  "
          f"{'asked for':<16}", flush=True)
    began = time.monotonic()
    b.raw["busy_before"] = {}
    for name in o.only or ALL:
        share = b.raw["busy_before"][name] = round(busy(), 2)
        if share > 0.1:
            print(f"(others use {share:.0%} of the machine)", flush=True)
        getattr(b, name)()
    b.raw["seconds"] = round(time.monotonic() - began)
    print(f"{b.raw['seconds']} s in all; load average now "
          f"{os.getloadavg()[0]:.2f}")
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump({**b.raw, "rows": b.rows}, f, indent=1)
    if o.markdown:
        with open(o.markdown, "w", encoding="utf-8") as f:
            f.write(markdown(b.rows))


if __name__ == "__main__":
    main()
