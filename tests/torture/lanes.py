"""What else goes on while programs are killed.

Events of a few orders for a subscription that wants them in order, events for
very many subscriptions, one of the ordinary ones paused and resumed, and the
ordered one's secret rotated: Lanes sets that up beside the two endpoints of
kill_service.py and says in the end what is wrong with it.
"""

import base64
import hashlib
import hmac
import json
import threading
import time

import load

ORDERS = 8
FAN = 260               # subscriptions: more than have their rows at once
FAN_EVERY = 60          # events
RATE = 25.0             # events a second
ORDERED = "/ordered"
TASK = {"httpRequest": {"url": "", "jsonBody": {
    "orderID": "{{orderID}}", "agwID": "{{agwID}}"}}}


class Seen(load.Book):
    """Keeps the order of first arrivals, and what they were signed with."""

    def __init__(self):
        super().__init__()
        self.first = []         # (name), at ORDERED
        self.signed = []        # (headers, body), there

    def arrives(self, path, name, ok):
        if ok and path == ORDERED and (path, name) not in self.arrived:
            self.first.append(name)
        super().arrives(path, name, ok)

    def request(self, path, head, body):
        if path == ORDERED:
            fields = (line.decode().partition(": ") for line in head[1:])
            self.signed.append(({k.lower(): v for k, _, v in fields}, body))


class Lanes:
    """Its methods are called from one thread, but for the publisher's own."""

    def __init__(self, service, fail, seed):
        self.service, self.book = service, Seen()
        self.endpoints = load.Endpoints(self.book, fail, seed)
        self.posted = []        # (order, name), in the order of acceptance
        self.secrets = []
        self.paths = [f"/fan/{i}" for i in range(FAN)]
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._publish)
        self.subscription = None
        self.rotations = 0

    def start(self):
        s = self.service
        client = s.client("Lanes", "--all")
        self.subscription = s.subscribe(
            self.endpoints.url(ORDERED), client, task=TASK, ordered=True,
            events=("OrderCreated", "OrderCanceled"), retry_s=[1] * 30)
        self.secrets.append(s.run("secret", "show", self.subscription))
        bundle = {"format": 1, "client": {"name": "Fan", "all": True},
                  "subscriptions": [
            {"task": {"event": ["OrderCanceled"], "httpRequest": {
                **TASK["httpRequest"], "url": self.endpoints.url(p)},
                "settings": {"retry_s": [1] * 30}}} for p in self.paths]}
        s.run("client", "import", "-", stdin=json.dumps(bundle))
        self.thread.start()

    def _publish(self):
        c = load.Connection(self.service, self.book)
        n = 0
        while not self.ending.is_set():
            n += 1
            name, order = f"L{n}", f"O{n % ORDERS}"
            body = {"event": "OrderCreated" if n % FAN_EVERY else
                    "OrderCanceled", "id": name,
                    "order": {"agwID": order, "orderID": name}}
            status = None
            while status not in (200, 202):     # until it is in: the order
                status, answer = c.post(body)   # of posting is the order
                if status in (200, 202):        # of acceptance
                    self.posted.append((order, name))
                    self.book.answered(name, status, answer["id"],
                                       answer["duplicate"])
                elif status is not None and status != 503:
                    self.book.complain(f"{name} was answered {status}")
                    break
                else:
                    time.sleep(0.02)
            self.ending.wait(1 / RATE)
        c.close()

    def end(self):
        self.ending.set()
        self.thread.join()

    def rotate(self, overlap):
        """Not to be killed: the secret that it prints must be known."""
        out = self.service.run("secret", "rotate", self.subscription,
                               "--overlap", overlap, check=False)
        if self.service.last.returncode == 0:
            self.secrets.append(out)
            self.rotations += 1
        return self.service.last.returncode == 0

    def missing(self):
        fans = [n for i, (_, n) in enumerate(self.posted)
                if (i + 1) % FAN_EVERY == 0]
        return self.book.missing([ORDERED]) + [
            (p, n) for n in fans for p in self.paths
            if (p, n) not in self.book.arrived]

    def judge(self):
        yield from self.book.wrong
        if self.book.ghosts():
            yield f"never posted and arrived: {self.book.ghosts()[:5]}"
        for order in {o for o, _ in self.posted}:
            want = [n for o, n in self.posted if o == order]
            mine = set(want)
            got = [n for n in self.book.first if n in mine]
            if got != want:
                at = next((i for i, (g, w) in enumerate(zip(got, want))
                           if g != w), min(len(got), len(want)))
                yield (f"order {order} arrived out of order: "
                       f"{got[at:at + 4]}, not {want[at:at + 4]}")
        keys = [base64.b64decode(s.partition("_")[2]) for s in self.secrets]
        bad = [b for h, b in self.book.signed if not verifies(h, b, keys)]
        if bad:
            yield f"{len(bad)} signed by none of the secrets: {bad[:2]}"

    def report(self):
        return (f"{len(self.posted)} events of {ORDERS} orders in order, "
                f"{len(self.posted) // FAN_EVERY} of them to {FAN} "
                f"subscriptions; {self.rotations} rotations, "
                f"{len(self.book.signed)} signatures verified")

    def close(self):
        self.endpoints.close()


def verifies(head, body, keys):
    """Standard Webhooks 1.0.0, by another hand than the service's."""
    content = b".".join((head["webhook-id"].encode(),
                         head["webhook-timestamp"].encode(), body))
    got = [s.partition(",")[2] for s in head["webhook-signature"].split()
           if s.startswith("v1,")]
    return any(base64.b64encode(hmac.new(k, content, hashlib.sha256)
                                .digest()).decode() in got for k in keys)
