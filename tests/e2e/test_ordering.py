"""Events of one order in turn, and an event that very many want."""

import json
import statistics
import threading
import time

import harness
import pytest
from service import HELP_PAGE_TASK, Service, ticketed

MANY = 10000


def numbered(order, n):
    """The n-th event of an order; the receiver is told n as the agent."""
    return ticketed(order, agent=str(n))


def came(receiver, order):
    """The numbers of an order's events as they came, failures included."""
    with receiver.lock:
        got = list(receiver.got)
    return [int(g.json()["agent"]) for g in got
            if g.json()["orderID"] == order]


def state_of(s, order):
    """How the deliveries of an order stand, in the order of acceptance."""
    return [d["state"] for d in sorted(
        (d for d in s.deliveries() if d["agwID"] == order),
        key=lambda d: d["createdAt"])]


def test_events_of_one_order_arrive_in_the_order_of_their_acceptance(
        service, receiver):
    def answer(_, got):
        """The first event of order A fails twice."""
        first = got.json()["orderID"] == "A" and got.json()["agent"] == "0"
        return 500 if first and got.headers["skycap-attempt"] < "3" else 204

    r, s = receiver(answer), service().start()
    s.subscribe(r.url(), retry_s=[1, 1, 60], ordered=True)
    answer = s.post([numbered("A", n) for n in range(3)])
    assert answer.json()["accepted"] == 3, answer
    for n in range(3, 6):
        assert s.post(numbered("A", n)).json()["deliveries"] == 1
        assert s.post(numbered(f"B{n}", n)).status == 202
    harness.wait_for("other orders pass by", lambda: all(
        came(r, f"B{n}") == [n] for n in range(3, 6)))
    assert set(came(r, "A")) == {0}
    assert state_of(s, "A") == ["pending"] * 6
    assert s.sweep()["pending"] == 6
    waits = [d for d in s.deliveries() if d["state"] == "pending" and
             d["nextAttemptAt"] is None]
    assert len(waits) == 5
    assert "when the earlier events" in s.run("show", waits[0]["id"])
    assert s.run("deliveries").count("in its turn") == 5
    harness.wait_for("all arrive", lambda:
                     came(r, "A") == [0, 0, 0, 1, 2, 3, 4, 5])
    harness.wait_for("all are on record as delivered", lambda:
                     state_of(s, "A") == ["delivered"] * 6)
    assert s.sweep()["pending"] == 0
    s.run("verify")


def test_the_later_goes_when_the_earlier_has_died(service, receiver):
    r = receiver(lambda _, got: 500 if got.json()["agent"] == "0" else 204)
    s = service().start()
    s.subscribe(r.url(), retry_s=[1], ordered=True)
    s.post([numbered("A", n) for n in range(3)])
    harness.wait_for("the others arrive", lambda:
                     came(r, "A") == [0, 0, 1, 2])
    harness.wait_for("it is dead, they are delivered", lambda:
                     sorted(d["state"] for d in s.deliveries()) ==
                     ["dead", "delivered", "delivered"])
    assert [d["reason"] for d in s.deliveries() if d["state"] == "dead"] == \
        ["exhausted"]
    s.run("verify")


def test_a_change_of_mind_holds_from_the_next_event_on(service, receiver):
    is_up = threading.Event()
    r = receiver(lambda *_: 204 if is_up.is_set() else 503)
    s = service().start()
    sub = s.subscribe(r.url(), retry_s=[1] * 20, ordered=True)
    s.post([numbered("A", n) for n in range(3)])
    task = json.loads(s.run("subscription", "export", sub,
                            "--with-secrets"))
    task["settings"]["ordered"] = False
    s.run("subscription", "edit", sub, "--file", "-", stdin=json.dumps(task))
    s.post(numbered("A", 3))
    harness.wait_for("it does not wait", lambda: 3 in came(r, "A"))
    assert not {1, 2} & set(came(r, "A"))
    is_up.set()
    harness.wait_for("all are delivered", lambda:
                     state_of(s, "A") == ["delivered"] * 4, 30)
    assert [n for n in came(r, "A") if n in (1, 2)] == [1, 2]


def test_one_sweep_of_a_shell_sends_all_of_an_order(service, receiver):
    r, s = receiver(), service()
    s.subscribe(r.url(), ordered=True)
    s.run("send", "-", stdin="\n".join(
        json.dumps(numbered("A", n)) for n in range(5)))
    s.run("sweep", "--once")
    assert came(r, "A") == [0, 1, 2, 3, 4]
    assert state_of(s, "A") == ["delivered"] * 5


@pytest.fixture(name="two")
def two_intakes():
    """Two standing intakes and a sweep on one store."""
    s = Service()
    env = {"SKYCAP_CONF": s.made["conf"]}
    s.server = harness.Lighttpd([
        harness.Program(f"/{name}", harness.built(f"{kind}.fcgi"), env=env)
        for name, kind in (("intake", "intake"), ("other", "intake"),
                           ("sweep", "sweep"))]).start()
    yield s
    s.close()


def post_to(s, name, event):
    return s.server.post(f"/{name}/events", json.dumps(event).encode(), {
        "Authorization": f"Bearer {s.key}",
        "Content-Type": "application/json"})


def test_two_intakes_at_once_agree_on_what_came_first(two, receiver):
    each, threads = 20, 4
    r = receiver()
    two.subscribe(r.url(), ordered=True)
    failed = []

    def post(t):
        for n in range(each):
            answer = post_to(two, ("intake", "other")[t % 2],
                             numbered(f"ORDER-{n % 2}", t * each + n))
            if answer.status != 202:
                failed.append(answer)

    posting = [threading.Thread(target=post, args=(t,))
               for t in range(threads)]
    for thread in posting:
        thread.start()
    for thread in posting:
        thread.join()
    assert not failed
    r.wait(each * threads)
    events = two.lines("events", "--limit", "1000")
    for order in ("ORDER-0", "ORDER-1"):
        want = [json.loads(two.run("show", e["id"], "--json"))
                for e in reversed(events) if e["agwID"] == order]
        assert came(r, order) == [int(e["order"]["agent"]) for e in want]


def import_many(s, url, n, **settings):
    """A client with n subscriptions to OrderTicketed."""
    task = {**HELP_PAGE_TASK, "event": ["OrderTicketed"],
            "settings": settings}
    task["httpRequest"] = {"method": "POST", "url": url,
                           "jsonBody": {"orderID": "{{agwID}}",
                                        "agent": "{{agent}}"}}
    with open(s.dir("many.json"), "w", encoding="utf-8") as f:
        json.dump({"format": 1, "client": {"name": "Many", "all": True},
                   "subscriptions": [{"state": "active", "task": task}] * n},
                  f)
    s.run("client", "import", s.dir("many.json"), timeout=300)


def seconds_to_answer(s, until):
    """How long each post for others took, one after another."""
    took = []
    while not until(len(took)):
        began = time.monotonic()
        answer = s.post({"event": "OrderCanceled", "order": {"agwID": "C"}})
        took.append(time.monotonic() - began)
        assert answer.status == 202, answer
    return took


def test_an_event_that_very_many_want_reaches_all_and_delays_nobody(
        service, receiver):
    r, s = receiver(), service().start()
    s.subscribe(r.url("/canceled"), events=("OrderCanceled",))
    import_many(s, r.url("/many"), MANY)
    before = seconds_to_answer(s, lambda n: n == 100)
    answer = s.post(ticketed("AGW-1"))
    assert answer.json()["deliveries"] == MANY, answer

    def arrived():
        with r.lock:
            return {g.headers["webhook-id"] for g in r.got
                    if g.path == "/many"}

    meanwhile = seconds_to_answer(s, lambda n: n >= 100 and n % 20 == 0 and
                                  len(arrived()) == MANY)
    assert statistics.median(meanwhile) < 5 * statistics.median(before) + .02
    harness.wait_for("nothing is left", lambda: s.sweep()["pending"] == 0, 60)
    s.run("verify", timeout=300)
