"""The benches of lanes: how deliveries fare beside each other.

isolation, million, slow and fanout each measure one promise and take a Bench,
which keeps what they find.  Every count that must be so is checked; what is
measured while deliveries go missing or come twice has failed.
"""

import json
import statistics
import subprocess
import time

from rig import (Sink, Skycap, cpu_seconds, measure, private_dirty, task,
                 tool, wrong)


def lie(runs):
    """How far apart they are, as text."""
    return f"{min(runs):,.0f} to {max(runs):,.0f}"


# --- isolation -------------------------------------------------------------

ENDPOINTS = 100
HUNG = (0, 1, 50, 90, 0)    # twice without, since the machine may change

# Events a second: the first of bench_load's lanes, and how many go in turn.
# Each event goes to all endpoints, to ten, or to one, so that at any pace each
# endpoint is sent ten a second.
PACES = {10: (110, 1), 100: (100, 10), 1000: (0, 100)}


def pace(b, sky, sink, hang, rate, seconds):
    """Post at that rate; what came to those endpoints that do not hang."""
    good, each = ENDPOINTS - hang, 10 * seconds
    lane, of = PACES[rate]
    sink.ask("/reset")
    got = sky.load(connections=16, rate=rate, count=rate * seconds, lane=lane,
                   lanes=of)
    end = sink.wait(good * each, 20)
    what = f"{hang} of {ENDPOINTS} hung, {rate} events/s"
    b.expect(f"{what}: events taken", got["answered"], rate * seconds)
    b.expect(f"{what}: endpoints, the least and the most that one got, "
             "requests", (end["endpoints"], end["least"], end["most"],
                          end["requests"]), (good, each, each, good * each))
    return {"in": got, "out": end,
            "share": end["distinct"] / (good * each)}


def isolated(b, hang):
    """What the good endpoints got at each pace, in a service of its own."""
    with Sink(ENDPOINTS) as sink, Skycap([
            task(sink.url(i), [i, 100 + i % 10, 110])
            for i in range(ENDPOINTS)]) as sky:
        sky.serve("intake", "sweep")
        pace(b, sky, sink, 0, 100, 1)
        sink.ask(f"/hang/{hang}")
        # until the first of them have timed out, after 15 s; as long with
        # none, since a store as old is disturbed by its disk as often
        found = {"first": pace(b, sky, sink, hang, 100, b.s(16))}
        times = 3 if b.part == 1 else 1
        for rate in PACES:
            found[rate] = [pace(b, sky, sink, hang, rate, b.s(2))
                           for _ in range(times)]
        found["in_flight"] = sky.metrics()["skycap_in_flight"]
        found["stats"] = sky.stats()
        if hang == 0:
            b.expect("none hung: attempts that failed",
                     found["stats"]["retried"], 0)
    return found


def times_of(runs, p):
    """Milliseconds from POST to receipt, of each of some runs."""
    return [run["out"][p] / 1e3 for run in runs]


def isolation(b):
    found = []
    for i, hang in enumerate(HUNG):
        b.quiet(f"isolation {i + 1}")
        found.append((hang, isolated(b, hang)))
    b.raw["isolation"] = found
    for rate in PACES:
        alone = [f[rate] for hang, f in found if hang == 0]
        none = statistics.mean(statistics.median(times_of(runs, "p99_us"))
                               for runs in alone)
        alone = [run for runs in alone for run in runs]
        b.row(f"0 of 100 hung, {rate} events/s, p99", none, "ms",
              note=spread(alone))
        for hang, f in found:
            if hang > 0:
                isolation_row(b, hang, rate, f, none)


def spread(runs):
    p99 = times_of(runs, "p99_us")
    return (f"p50 {statistics.median(times_of(runs, 'p50_us')):.2f} ms; p99 "
            f"of {len(runs)} runs {min(p99):.2f} to {max(p99):.2f} ms")


def isolation_row(b, hang, rate, found, none):
    runs, first = found[rate], found["first"]
    share = min(run["share"] for run in runs)
    note = f"{spread(runs)}; {share:.1%} delivered"
    if rate == 100:
        note += (f"; p99 of the {b.s(16)} s in which they begin to hang "
                 f"{first['out']['p99_us'] / 1e3:.2f} ms, "
                 f"{first['share']:.1%} delivered")
    if rate == 1000:
        note += f"; {found['in_flight']} slots held"
    p99 = statistics.median(times_of(runs, "p99_us"))
    b.row(f"{hang} of 100 hung, {rate} events/s, p99 of the others", p99,
          "ms", none, "<= 200%, all", p99 <= 2 * none and share == 1,
          note + wrong(*(run["in"] for run in runs)))


# --- backlogs ---------------------------------------------------------------

def fill(b, sky, count):
    """Have intake take so many events while nobody delivers."""
    sky.serve("intake")
    got = sky.load(connections=2, count=count,
                   batch=1000 if count >= 100000 else 100)
    b.expect("events taken to be delivered later", got["answered"], count)


def drain(b, sky, sink, count):
    """Have a sweep of its own deliver it all; what the sink then got."""
    fill(b, sky, count)
    sink.ask("/reset")
    began_us = sky.serve("sweep")
    sink.wait(count, 120)
    sky.settled()
    end = sink.ask("/stats")
    b.expect("a backlog: different messages, requests, attempts that failed",
             (end["distinct"], end["requests"], sky.stats()["retried"]),
             (count, count, 0))
    end["start_ms"] = (end["first_us"] - began_us) / 1e3
    end["cpu_us"] = cpu_seconds(sky.pid("sweep")) / count * 1e6
    return end


def timed(sky, *args):
    """The milliseconds that a command takes."""
    at = time.monotonic()
    sky.run(*args)
    return (time.monotonic() - at) * 1e3


def pauses(sky, times=5):
    """Milliseconds of pause and of resume of the first subscription."""
    sub = sky.subscriptions[0]
    took = {"pause": [], "resume": []}
    for _ in range(times):
        for verb, all_of in took.items():
            all_of.append(timed(sky, "subscription", verb, sub))
    return {verb: statistics.median(all_of) for verb, all_of in took.items()}


def few_pending(b, lanes, count):
    """Rates at which count are drained, five times, each from the start."""
    found = {"rates": [], "start_ms": [], "cpu_us": []}
    with Sink(lanes) as sink, Skycap(sink.tasks()) as sky:
        for _ in range(5):
            end = drain(b, sky, sink, count)
            found["rates"] += sink.rates(count)
            found["start_ms"].append(end["start_ms"])
            found["cpu_us"].append(end["cpu_us"])
        found["commands"] = pauses(sky)
    return found


def many_pending(b, lanes, count, part):
    """The same of the first five parts of a far longer backlog."""
    with Sink(lanes) as sink, Skycap(sink.tasks()) as sky:
        fill(b, sky, count)
        found = {"commands": pauses(sky), "peak_kib": 0}
        began_us = sky.serve("sweep")
        pid, until = sky.pid("sweep"), time.monotonic() + 120
        got = sink.ask("/stats")
        while got["distinct"] < 5 * part and time.monotonic() < until:
            found["peak_kib"] = max(found["peak_kib"], private_dirty(pid))
            time.sleep(0.2)
            got = sink.ask("/stats")
        found["cpu_us"] = cpu_seconds(pid) / max(1, got["distinct"]) * 1e6
        found["start_ms"] = (got["first_us"] - began_us) / 1e3
        found["rates"] = sink.rates(part)[:5]
        arrived = 0
        if lanes == 1:
            found["paused"], arrived = paused(b, sky, sink, count)
            found["peak_kib"] = max(found["peak_kib"], private_dirty(pid))
        sky.server.stop()
        left_behind(b, sky, sink, count, arrived)
    return found


def left_behind(b, sky, sink, count, before):
    """Nothing is lost or doubled of what a sweep has left undone."""
    end, stats = sink.ask("/stats"), sky.stats()
    done = before + end["distinct"]
    b.expect(f"of {count}: requests, delivered, tried again, pending",
             (before + end["requests"], stats["delivered"],
              stats["retried"], stats["pending"] + stats["held"]),
             (done, done, 0, count - done))


def paused(b, sky, sink, count):
    """Pause a lane that is being drained, and resume it."""
    sub = sky.subscriptions[0]
    found = {"pause_ms": timed(sky, "subscription", "pause", sub)}
    at_us = time.monotonic() * 1e6
    time.sleep(2)
    rest = sink.ask("/stats")
    time.sleep(1)
    found["after_ms"] = max(0.0, (rest["last_us"] - at_us) / 1e3)
    b.expect("messages to a paused subscription, after 2 s",
             sink.ask("/stats")["requests"] - rest["requests"], 0)
    stats = sky.stats()
    b.expect("delivered, held and pending of a paused lane",
             (stats["delivered"], stats["held"], stats["pending"]),
             (rest["distinct"], count - rest["distinct"], 0))
    sink.ask("/reset")
    at_us = time.monotonic() * 1e6
    found["resume_ms"] = timed(sky, "subscription", "resume", sub)
    found["again_ms"] = (sink.wait(1, 30)["first_us"] - at_us) / 1e3
    return found, rest["distinct"]


def million(b):
    count, part = b.n(1000000), b.n(10000)
    for lanes in (1, 100):
        b.quiet(f"million {lanes}")
        few = few_pending(b, lanes, part)
        many = many_pending(b, lanes, count, part)
        b.raw[f"million_{lanes}"] = {"few": few, "many": many}
        where = f"{lanes} lane{'s' if lanes > 1 else ''}"
        b.ratio(f"drain with {count:,} pending, {where}",
                statistics.median(many["rates"]),
                statistics.median(few["rates"]), 0.80,
                note=f"beside it with {part:,} pending, the median of "
                f"{lie(few['rates'])}; this one of {lie(many['rates'])}; "
                f"{many['cpu_us']:.0f} us of CPU each, beside it "
                f"{statistics.median(few['cpu_us']):.0f}")
        b.row(f"start to the first delivery, {where}", many["start_ms"],
              "ms", statistics.median(few["start_ms"]),
              note=f"with the web server's start; beside it with {part:,}")
        b.row(f"memory of sweep meanwhile, {where}",
              many["peak_kib"] / 1024, "MiB", None, "<= 64 MiB",
              many["peak_kib"] <= 65536)
        if lanes == 1:
            paused_rows(b, count, few, many)


def paused_rows(b, count, few, many):
    for verb, ms in many["commands"].items():
        b.row(f"{verb}, {count:,} pending", ms, "ms",
              few["commands"][verb], note="the command, beside it with none "
              "pending")
    found = many["paused"]
    b.row("last message after a pause while draining", found["after_ms"],
          "ms", None, "<= 1000 ms", found["after_ms"] <= 1000,
          f"since the command has ended, which took {found['pause_ms']:.0f} "
          "ms")
    b.row("first message after a resume", found["again_ms"], "ms",
          note="since the command was started, which took "
          f"{found['resume_ms']:.0f} ms")


# --- endpoints that take their time ----------------------------------------

LATE_MS = 100


def slow_once(b, slots, width, lanes):
    limit = slots * 1000 / LATE_MS
    count = int(min(limit, 8000) * b.s(4)) // lanes * lanes
    rates, flight = [], 0
    with Sink(lanes, LATE_MS) as sink, \
            Skycap(sink.tasks(concurrency=width),
                   conf=f"[sweep]\nslots = {slots}\n") as sky:
        for _ in range(3):
            end = drain(b, sky, sink, count)
            flight = max(flight, end["late_at_once"])
            took_ms = (end["last_us"] - end["first_us"]) / 1e3 + LATE_MS
            rates.append(count / took_ms * 1e3)
        b.expect("slots", sky.metrics()["skycap_slots"], slots)
        bare = measure("curl", slots, count, *sink.ports)
    rate = statistics.median(rates)
    b.raw[f"slow_{slots}_{lanes}"] = {"rates": rates, "bare": bare,
                                      "in_flight": flight}
    b.ratio(f"answers after {LATE_MS} ms, {slots} slots, {lanes} lanes", rate,
            bare["per_s"], None,
            note=f"{rate / limit:.0%} of slots / latency, {limit:,.0f}/s; "
            f"at most {flight} in flight, {width} a lane; {lie(rates)}; "
            f"bare libcurl with {slots} handles")


def slow(b):
    for slots, width, lanes in ((256, 8, 100), (256, 8, 256),
                                (1024, 16, 100), (4096, 64, 100)):
        slow_once(b, slots, width, lanes)


# --- one event for very many ------------------------------------------------

SIZES = (1, 10, 100, 1000, 10000)
FAN_LANE = 900              # of the first size
OTHERS = 200                # posts a second for somebody else


class Others:
    """Posts at a pace beside what is measured, for some seconds."""

    def __init__(self, sky, sink, seconds):
        self.sky, self.sink = sky, sink
        sink.ask("/reset")
        self.until = time.monotonic() + seconds
        self.process = subprocess.Popen(
            [tool("load"), *sky.load_args(
                connections=16, rate=OTHERS, count=OTHERS * seconds, lane=0,
                lanes=1)], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def go_on(self):
        return time.monotonic() < self.until

    def end(self, b, what):
        """What was answered to them, and what of them arrived."""
        out, _ = self.process.communicate(timeout=60)
        got = json.loads(out)
        end = self.sink.wait(got["posted"], 30)
        b.once(f"{what}, the others", got, self.sky, self.sink)
        return {"in": got, "out": end}


def fan(b, sky, sink, k):
    """One event for the k-th size: milliseconds since it was posted."""
    n = SIZES[k]
    sink.ask("/reset")
    got = sky.load(count=1, lane=FAN_LANE + k, lanes=1)
    end = sink.wait(n, 60)
    b.expect(f"an event for {n}: answers, endpoints, requests, most for one",
             (got["answered"], end["endpoints"], end["requests"],
              end["most"]), (1, n, n, 1))
    return {"answer": got["p50_us"] / 1e3,
            "first": (end["first_us"] - got["start_us"]) / 1e3,
            "last": (end["last_us"] - got["start_us"]) / 1e3}


def fan_row(b, k, runs, others, none):
    n = SIZES[k]
    mid = {name: statistics.median(run[name] for run in runs)
           for name in runs[0]}
    rate = (n - 1) / max(1e-6, (mid["last"] - mid["first"]) / 1e3)
    b.row(f"an event for {n:,}, last receipt", mid["last"], "ms",
          note=f"answer {mid['answer']:.1f} ms, first receipt "
          f"{mid['first']:.1f} ms" + (f", {rate:,.0f}/s" if n > 1 else "") +
          f"; median of {len(runs)}, "
          f"{min(run['last'] for run in runs):.1f} to "
          f"{max(run['last'] for run in runs):.1f} ms")
    b.row("- other POSTs meanwhile, p99 of the answer",
          others["in"]["p99_us"] / 1e3, "ms", none["in"]["p99_us"] / 1e3,
          note=f"p50 {others['in']['p50_us'] / 1e3:.2f} ms; their receipts "
          f"p50 {others['out']['p50_us'] / 1e3:.2f}, p99 "
          f"{others['out']['p99_us'] / 1e3:.2f} ms, without "
          f"{none['out']['p50_us'] / 1e3:.2f} and "
          f"{none['out']['p99_us'] / 1e3:.2f}")


def fanout(b):
    seconds = b.s(6)
    with Sink(100) as sink, Sink() as quiet, Skycap([
            *(task(sink.url(i, i), [FAN_LANE + k for k, n in enumerate(SIZES)
                                    if i < n]) for i in range(SIZES[-1])),
            task(quiet.url(), [0])]) as sky:
        sky.serve("intake", "sweep")
        for k in range(len(SIZES)):
            fan(b, sky, sink, k)    # connects, reads the configuration
        sky.settled()
        found = {}
        for k, n in [(None, 0), *enumerate(SIZES), (None, "0 again")]:
            runs = []
            with Others(sky, quiet, seconds) as others:
                while k is not None and others.go_on() and len(runs) < 50:
                    runs.append(fan(b, sky, sink, k))
                found[n] = runs, others.end(b, f"fan-out to {n}")
        b.raw["fanout"] = found
        dirty = b.raw["fanout_kib"] = private_dirty(sky.pid("sweep"))
        none = min((found[n][1] for n in (0, "0 again")),
                   key=lambda got: got["in"]["p99_us"])
        both = [found[n][1]["in"]["p99_us"] / 1e3 for n in (0, "0 again")]
        b.row(f"{OTHERS} POSTs/s without fan-out, p99 of the answer",
              none["in"]["p99_us"] / 1e3, "ms",
              note=f"p50 {none['in']['p50_us'] / 1e3:.2f} ms; two runs: "
              f"{both[0]:.2f} and {both[1]:.2f} ms, the better")
        for k, n in enumerate(SIZES):
            fan_row(b, k, *found[n], none)
        b.row(f"memory of sweep, {SIZES[-1]:,} lanes later", dirty / 1024,
              "MiB")
