"""Who gets an event: a change counts from the next one on, everywhere."""

import json

import harness
import pytest
from service import HELP_PAGE_TASK, Service, ticketed


@pytest.fixture(name="up")
def two_intakes():
    """Two standing intakes on one store; the command changes it."""
    s = Service()
    env = {"SKYCAP_CONF": s.made["conf"]}
    s.server = harness.Lighttpd([
        harness.Program(f"/{name}", harness.built("intake.fcgi"), env=env)
        for name in ("intake", "other")]).start()
    yield s
    s.close()


def task(events=("OrderTicketed",), *conditions):
    return json.dumps({**HELP_PAGE_TASK, "event": events,
                       "filter": conditions})


def is_in(field, *values):
    return {"field": field, "op": "in", "value": values}


def counted(s, **order):
    """How many deliveries the same event causes, by each intake."""
    return [s.server.post(f"/{name}/events",
                          json.dumps(ticketed(**order)).encode(), {
                              "Authorization": f"Bearer {s.key}",
                              "Content-Type": "application/json"},
                          ).json()["deliveries"]
            for name in ("intake", "other")]


def test_each_change_counts_from_the_next_event_on_in_every_process(up):
    def subscribe(client, *a):
        return up.run("subscription", "add", "--client", client, "--file",
                      "-", stdin=task(*a))

    def edit(sub, *a):
        up.run("subscription", "edit", sub, "--file", "-", stdin=task(*a))

    assert counted(up) == [0, 0]
    everything = up.client()
    sub = subscribe(everything)
    assert counted(up) == [1, 1]
    edit(sub, ["OrderTicketed"], is_in("provider", "IB", "BA"))
    assert counted(up) == [0, 0]
    assert counted(up, provider="BA") == [1, 1]
    edit(sub, ["OrderCanceled"])
    assert counted(up, provider="BA") == [0, 0]
    edit(sub, ["*"], is_in("provider", "LH"))
    assert counted(up, provider="BA") == [0, 0]
    assert counted(up, provider="LH") == [1, 1]
    up.run("subscription", "pause", sub)
    assert counted(up, provider="LH") == [1, 1]     # held, and counted
    scoped = up.run("client", "add", "Wander", "--scope", "agency=Wander",
                    "--scope", "consumerIataCode=12345678")
    theirs = subscribe(scoped)
    assert counted(up, provider="LH", agency="Wander") == [2, 2]
    assert counted(up, agency="Wander", consumerIataCode=12345678) == [1, 1]
    assert counted(up, agency="Else", consumerIataCode=12345678) == [1, 1]
    assert counted(up, agency="Else", consumerIataCode=1234567) == [0, 0]
    up.run("subscription", "remove", sub)
    up.run("subscription", "remove", theirs)
    assert counted(up, provider="LH", agency="Wander") == [0, 0]


def test_many_changes_at_once_are_all_seen(up):
    """More than a new snapshot indexes beside what it had."""
    client = up.client()
    assert counted(up) == [0, 0]
    subs = [up.run("subscription", "add", "--client", client, "--file", "-",
                   stdin=task(["OrderTicketed"], is_in("provider", f"P{i}")))
            for i in range(40)]
    assert counted(up) == [0, 0]
    for i in (0, 17, 39):
        assert counted(up, provider=f"P{i}") == [1, 1]
    for i in (17, 39):
        up.run("subscription", "edit", subs[i], "--file", "-",
               stdin=task(["OrderTicketed"], is_in("provider", "P0")))
    assert counted(up, provider="P0") == [3, 3]
    assert counted(up, provider="P17") == [0, 0]
