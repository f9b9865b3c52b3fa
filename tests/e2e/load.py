"""Load under which programs are killed, and the book that is kept of it.

Book notes of every event what was answered for it and where it arrived, and
says what is wrong between the two: an event that was taken must arrive at every
endpoint, one that was refused at none, and one without an answer may do either.
Publisher posts events from several connections, some of them in batches, twice,
or wrong; Endpoints is a receiver that can keep up, and now and then fails.
"""

import asyncio
import http.client
import json
import random
import threading
import time

import service

REFUSALS = (400, 401, 409, 422)


class Book:
    """Events by their agwID, which is their sender id as well."""

    def __init__(self):
        self.lock = threading.Lock()
        self.kept = {}          # name: event id of its first 2xx
        self.unsure = set()     # posted at least once without an answer
        self.arrived = {}       # (path, name): how often, answered 2xx
        self.seen = set()       # arrived, whatever was answered
        self.duplicates = self.unanswered = self.unavailable = 0
        self.wrong = []
        self.times = []         # of 2xx answers, monotonic
        self.came = []          # of arrivals

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    def answered(self, name, status, event_id=None, duplicate=False,
                 again=False):
        """status None: no answer, or one that Skycap did not give."""
        with self.lock:
            if status is None:
                self.unsure.add(name)
                self.unanswered += 1
            elif status in (200, 202):
                first = self.kept.setdefault(name, event_id)
                self.times.append(time.monotonic())
                self.duplicates += duplicate
                if event_id != first:
                    self.wrong.append(
                        f"{name} was taken as {first} and as {event_id}")
                if again and not duplicate:
                    self.wrong.append(f"{name} was taken twice")
            elif status == 503:
                self.unavailable += 1
            elif status not in REFUSALS:
                self.wrong.append(f"{name} was answered {status}")

    def request(self, path, head, body):
        """Every request, as it comes; head is its lines, as bytes."""

    def arrives(self, path, name, ok):
        with self.lock:
            self.seen.add(name)
            if ok:
                key = (path, name)
                self.arrived[key] = self.arrived.get(key, 0) + 1
                self.came.append(time.monotonic())

    def missing(self, paths):
        """What was taken and has not arrived, as (path, name)."""
        with self.lock:
            return [(p, n) for n in self.kept for p in paths
                    if (p, n) not in self.arrived]

    def ghosts(self):
        """What arrived though every answer for it was a refusal."""
        with self.lock:
            return [n for n in self.seen
                    if n not in self.kept and n not in self.unsure]

    def twice(self):
        """Messages that came more than once, which is allowed."""
        return sum(n - 1 for n in self.arrived.values())

    def longest_pause(self, since=None, until=None):
        """Seconds without an event being taken, between two that were."""
        with self.lock:
            times = [t for t in self.times
                     if (since is None or t >= since) and
                     (until is None or t <= until)]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)


class Endpoints:
    """A receiver for every path, in a thread; fail is how often it does.

    A failure is an answer of 500, a connection closed without one, or a delay.
    """

    def __init__(self, book, fail=0.0, seed=0, port=0):
        self.book, self.fail = book, fail
        self.random = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(
            self.loop.create_server(lambda: _Endpoint(self), "127.0.0.1",
                                    port, backlog=512))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.server.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class _Endpoint(asyncio.Protocol):
    def __init__(self, owner):
        self.owner, self.data, self.transport = owner, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        while True:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            lines = head.split(b"\r\n")
            n = next(int(line[15:]) for line in lines
                     if line[:15].lower() == b"content-length:")
            if len(rest) < n:
                return
            self.data = rest[n:]
            path = lines[0].split()[1].decode()
            self.owner.book.request(path, lines, rest[:n])
            self._take(path, rest[:n])

    def _take(self, path, body):
        owner = self.owner
        name = json.loads(body)["orderID"]
        how = owner.random.random() / owner.fail if owner.fail > 0 else 1
        if how >= 1:
            owner.book.arrives(path, name, True)
            self._answer(b"204 No Content")
        elif how < 0.4:
            owner.book.arrives(path, name, False)
            self._answer(b"500 Internal Server Error")
        elif how < 0.7:
            owner.book.arrives(path, name, False)
            self.transport.close()
        else:
            owner.book.arrives(path, name, True)
            owner.loop.call_later(0.2, self._answer, b"204 No Content")

    def _answer(self, status):
        self.transport.write(b"HTTP/1.1 " + status +
                             b"\r\ncontent-length: 0\r\n\r\n")


class Publisher:
    """Posts about rate events a second through connections, until told to end.

    A 503 is taken for what it says: half of these events are not posted again,
    and must not arrive.
    """

    def __init__(self, s, book, rate=100.0, connections=6, seed=0, mixed=True):
        self.service, self.book, self.mixed = s, book, mixed
        self.pause = connections / rate
        self.ending = threading.Event()
        self.number, self.number_lock = 0, threading.Lock()
        self.threads = [
            threading.Thread(target=self._run, args=(random.Random(
                f"{seed}.{i}"),)) for i in range(connections)]
        for t in self.threads:
            t.start()

    def end(self):
        self.ending.set()
        for t in self.threads:
            t.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _name(self, kind="E"):
        with self.number_lock:
            self.number += 1
            return f"{kind}{self.number}"

    def _run(self, rnd):
        c = Connection(self.service, self.book)
        old = []                # taken by this thread
        again = []              # to be posted again
        due = time.monotonic()
        while not self.ending.is_set():
            n = 1
            try:
                n = self._once(c, rnd, old, again)
            except Exception as error:      # pylint: disable=broad-except
                self.book.complain(f"the publisher: {error!r}")
                raise
            due = max(due + n * self.pause * rnd.uniform(0.5, 1.5),
                      time.monotonic() - 1)
            self.ending.wait(max(0.0, due - time.monotonic()))
        c.close()

    def _once(self, c, rnd, old, again):
        """Post something; the number of events it counts for."""
        what = rnd.random() if self.mixed else 1
        if again and what > 0.5:
            self._one(c, rnd, again.pop(), old, again)
        elif what < 0.06:
            return self._batch(c, rnd, old, again)
        elif what < 0.12:
            self._wrong(c, rnd, old)
        elif what < 0.18 and old:
            self._one(c, rnd, rnd.choice(old), old, again, repeat=True)
        else:
            self._one(c, rnd, self._name(), old, again)
        return 1

    def _one(self, c, rnd, name, old, again, repeat=False):
        status, answer = c.post(event(name))
        if status in (200, 202):
            self.book.answered(name, status, answer["id"],
                               answer["duplicate"], repeat)
            if not repeat:
                old.append(name)
        else:
            self.book.answered(name, status)
            if status is None or (status == 503 and rnd.random() < 0.5):
                again.append(name)

    def _batch(self, c, rnd, old, again):
        names = [self._name() for _ in range(rnd.randint(2, 30))]
        events = [event(name) for name in names]
        lines = rnd.random() < 0.5
        status, answer = c.post(
            "\n".join(json.dumps(e) for e in events) if lines else events,
            "application/x-ndjson" if lines else "application/json")
        results = answer["results"] if status in (202, 207) else \
            [{"status": status}] * len(names)
        for name, result in zip(names, results):
            self.book.answered(name, result["status"], result.get("id"),
                               result.get("duplicate", False))
            if result["status"] == 202:
                old.append(name)
            elif result["status"] is None:
                again.append(name)
        return len(names)

    def _wrong(self, c, rnd, old):
        """An event that must be refused: it has a name of its own."""
        name, key = self._name("W"), None
        body = event(name)
        flaw = rnd.randrange(5)
        if flaw == 0:
            body["event"] = "OrderTicketled"
        elif flaw == 1:
            body["order"]["adultsPax"] = "two"
        elif flaw == 2:
            body = json.dumps(body)[:-1]
        elif flaw == 3:
            key = "publish_" + "A" * 43
        elif not old:
            return
        else:
            body["id"] = rnd.choice(old)    # known, with another order
        status, _ = c.post(body, key=key)
        if status in (200, 202):
            self.book.complain(f"{name} was taken in spite of flaw {flaw}")
        self.book.answered(name, status)


def event(name):
    return {**service.ticketed(name), "id": name}


class Connection:
    """A kept connection to the web server, made anew when it is lost."""

    def __init__(self, s, book):
        self.service, self.book, self.http = s, book, None

    def post(self, body, kind="application/json", key=None):
        """(status, answer); status None if nobody can tell what was done."""
        if not isinstance(body, str):
            body = json.dumps(body)
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection(
                    "127.0.0.1", self.service.server.port, timeout=60)
            self.http.request("POST", "/intake/events", body, {
                "Authorization": f"Bearer {key or self.service.key}",
                "Content-Type": kind})
            r = self.http.getresponse()
            text = r.read()
        except (OSError, http.client.HTTPException):
            self.close()
            time.sleep(0.02)    # what is not there is not there at once
            return None, {}
        if "json" not in r.headers.get("Content-Type", ""):
            return None, {}     # the web server's own: it had no answer
        if r.status == 503 and not r.headers.get("Retry-After"):
            self.book.complain("a 503 without Retry-After: " + text.decode())
        return r.status, json.loads(text)

    def close(self):
        if self.http is not None:
            self.http.close()
        self.http = None
