#!/usr/bin/python3
"""make bench: how fast Skycap is, beside the bare limits of the same run.

    bench.py [--quick] [--only NAME]... [--json FILE] [--markdown FILE]
             [--list]

Serves the built programs behind lighttpd as the end-to-end tests do, drives
them with the small C programs beside this file, and prints one table.  Every
ratio is of two figures taken within seconds of each other on the same machine;
the figures by themselves say little.  Everything is on loopback, in temporary
directories, bounded, and stopped by its pid.  --quick does a fifth of it all,
to see that it works; its figures are not worth keeping.  A part in which not
every event arrived as it should has failed, and so has the run.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback

import lanes
from rig import (Sink, Skycap, busy, cpu_seconds, harness, machine, measure,
                 middle, private_dirty, tool, wrong)


class Bench:
    def __init__(self, quick):
        self.part = 0.2 if quick else 1.0
        self.rows = []
        self.faults = []
        self.raw = {"quick": quick, "busy_before": {}}

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

    def expect(self, what, got, want):
        """A count that must be so, or the figures beside it mean nothing."""
        if got != want:
            self.fault(f"{what}: got {got}, want {want}")

    def once(self, what, got, sky, sink):
        """All that was posted since the reset was taken, and arrived once."""
        sky.settled()
        end = sink.ask("/stats")
        self.expect(f"{what}: events taken, different messages, requests",
                    (got["answered"], end["distinct"], end["requests"]),
                    (got["posted"],) * 3)
        self.expect(f"{what}: attempts that failed", sky.stats()["retried"],
                    0)

    def fault(self, text):
        self.faults.append(text)
        print(f"FAILED: {text}", flush=True)

    def quiet(self, name):
        """Note how much of the machine others use before something."""
        share = self.raw["busy_before"][name] = round(busy(), 2)
        if share > 0.1:
            print(f"(others use {share:.0%} of the machine)", flush=True)

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
        for n, handles in ((1, 8), (100, 256)):
            with Sink(ports=n) as sink, Skycap(sink.tasks()) as sky:
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
                self.drained(f"drain, {n} lanes", sky, got, count)
                again = measure("curl", handles, count, *sink.ports)
                if again["per_s"] > bare["per_s"]:
                    bare = again
                self.raw[f"curl_{n}"] = bare
                self.raw[f"drain_{n}"] = got
                each = got["cpu_s"] / max(1, got["distinct"] -
                                          first["distinct"])
                self.ratio(f"drain, {n} lanes", rate, bare["per_s"],
                           0.40 if n == 100 else None,
                           note=f"bare libcurl, {handles} handles; all "
                           "signed, every attempt on record; over "
                           f"{got['connections']} connections")
                self.row(f"CPU s per 100,000 deliveries, {n} lanes",
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

    def drained(self, what, sky, got, count):
        """Everything once, signed, and each with its attempt on record."""
        self.expect(f"{what}: different messages, requests, signed",
                    (got["distinct"], got["requests"], got["signed"]),
                    (count, count, count))
        stats = sky.stats()
        self.expect(f"{what}: delivered, tried again, pending in the store",
                    (stats["delivered"], stats["retried"],
                     stats["pending"]), (count, 0, 0))
        last = sky.lines("deliveries", "--limit", "100")
        self.expect(f"{what}: attempts on record, of the last 100",
                    {(d["attempts"], d["lastStatus"]) for d in last},
                    {(1, 204)})

    def flow(self):
        with Sink(ports=10) as sink, Skycap(sink.tasks()) as sky:
            sky.serve("intake", "sweep")
            sky.load(connections=32, count=self.n(2000))
            sink.wait(self.n(2000), 30)
            sink.ask("/reset")
            got = sky.load(connections=32, seconds=self.s(10),
                           first=1000000)
            until = sink.ask("/stats")["distinct"]
            end = sink.wait(got["answered"], 60)
            s = (end["last_us"] - got["start_us"]) / 1e6
            self.once("in and out at once", got, sky, sink)
            self.raw["flow"] = {"in": got, "out": end, "seconds": s}
            rate = end["distinct"] / max(0.001, s)
            self.row("in and out at once, 32 connections, 10 lanes", rate,
                     "/s", None, ">= 12000", rate >= 12000,
                     f"in {got['per_s']:.0f}/s; {until} of "
                     f"{got['answered']} had arrived when posting ended"
                     f"{wrong(got)}")

    def latency(self):
        with Sink(ports=10) as sink, Skycap(sink.tasks()) as sky:
            sky.serve("intake", "sweep")
            for rate, p99_ms in ((200, 3), (1000, 10)):
                sink.ask("/reset")
                sky.load(connections=32, count=rate, rate=rate,
                         first=rate * 1000)
                sink.wait(rate, 10)
                sink.ask("/reset")
                got = sky.load(connections=32, rate=rate,
                               count=rate * self.s(10),
                               first=rate * 1000 + 100000)
                end = sink.wait(got["answered"], 20)
                self.once(f"latency at {rate}/s", got, sky, sink)
                self.raw[f"latency_{rate}"] = {"in": got, "out": end}
                for p, most in (("p50_us", 1), ("p99_us", p99_ms)):
                    self.row(f"POST to receipt at {rate}/s, {p[:3]}",
                             end[p] / 1e3, "ms", None, f"<= {most} ms",
                             end[p] <= most * 1000,
                             f"answer {got[p] / 1e3:.2f} ms{wrong(got)}")

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
        with Sink(ports=10) as sink, Skycap(sink.tasks()) as sky:
            sky.serve(*names)
            sky.server.get("/admin/")
            burst = self.n(10000)
            got = sky.load(connections=32, count=burst)
            sink.wait(burst, 60)
            self.once("a burst", got, sky, sink)
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


PARTS = {
    "engine": Bench.engine, "intake": Bench.intake, "drain": Bench.drain,
    "flow": Bench.flow, "latency": Bench.latency,
    "isolation": lanes.isolation, "million": lanes.million,
    "slow": lanes.slow, "fanout": lanes.fanout, "cgi": Bench.cgi,
    "memory": Bench.memory, "stages": Bench.stages, "shape": Bench.shape,
}


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


def run(b, name):
    """One part; if it fails the others are still measured."""
    b.quiet(name)
    try:
        PARTS[name](b)
    except Exception as error:      # pylint: disable=broad-except
        traceback.print_exc()
        b.fault(f"{name}: {error!r}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only", action="append", metavar="NAME", choices=PARTS)
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--list", action="store_true")
    o = p.parse_args()
    if o.list:
        print("\n".join(PARTS))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    b = Bench(o.quick)
    b.raw["machine"] = machine()
    print("  ".join(f"{k}: {v}" for k, v in b.raw["machine"].items()))
    print(f"{'':<48}{'':>9} {'':<6}{'bare':>9} {'share':>5}  "
          f"{'asked for':<16}", flush=True)
    began = time.monotonic()
    for name in o.only or PARTS:
        run(b, name)
    b.raw["seconds"] = round(time.monotonic() - began)
    print(f"{b.raw['seconds']} s in all; load average now "
          f"{os.getloadavg()[0]:.2f}")
    for text in b.faults:
        print(f"FAILED: {text}")
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump({**b.raw, "rows": b.rows, "faults": b.faults}, f,
                      indent=1)
    if o.markdown:
        with open(o.markdown, "w", encoding="utf-8") as f:
            f.write(markdown(b.rows))
    return 1 if b.faults else 0


if __name__ == "__main__":
    sys.exit(main())
