"""The catalogue at work: an operator's own events and fields, and samples."""

import json
import os

import pytest
from harness import wait_for
from service import ticketed

MORE = {
    "events": [{"name": "LoyaltyUpdate", "group": "lifecycle",
                "alias": ["LoyaltyDetailsUpdate"], "meaning": "Miles came."}],
    "fields": [{"name": "firstMail", "type": "text", "personal": True,
                "sample": "a@b.example", "pointer": "/passengers/0/email",
                "meaning": "Email of the first passenger."}],
    "legs": {"fields": [{"name": "flight", "type": "text", "sample": "IB3166",
                         "meaning": "Number of the flight."}]},
}


@pytest.fixture(name="s")
def _s(service):
    return service()


def extend(s, more):
    with open(s.dir("s/catalog.json"), "w", encoding="utf-8") as f:
        json.dump(more, f)


def attributes(s, kind):
    return {o[kind]: o for o in s.lines("catalog") if kind in o}


def test_what_stands_beside_the_configuration_is_taken(s):
    extend(s, MORE)
    assert attributes(s, "event")["LoyaltyUpdate"]["aliases"] == [
        "LoyaltyDetailsUpdate"]
    assert attributes(s, "field")["firstMail"] == {
        "field": "firstMail", "type": "text", "personal": True,
        "reference": False, "derived": None, "sample": "a@b.example",
        "pointer": "/passengers/0/email",
        "meaning": "Email of the first passenger."}
    assert attributes(s, "legField")["flight"]["sample"] == "IB3166"
    sample = json.loads(s.run("catalog", "--sample", "LoyaltyUpdate"))
    assert sample["order"]["passengers"] == [{"email": "a@b.example"}]
    assert [leg["flight"] for leg in sample["order"]["legs"]] == ["IB3166"] * 2
    listing = s.run("catalog")
    at = listing.index
    assert at("SeatsRemoval") < at("LoyaltyUpdate") < at("AIRLINE")


def test_what_is_wrong_stops_every_program_with_its_place(s):
    extend(s, {"fields": [{**MORE["fields"][0], "name": "pnr"}]})
    s.start()
    says = "s/catalog.json: /fields/0 is there already: pnr"
    for command in ("catalog", "stats"):
        s.run(command, check=False)
        assert s.last.returncode == 1
        assert s.last.stderr.strip().endswith(says)
    assert s.post(ticketed()).status == 503
    assert s.get("/health").status == 503
    assert says in s.server.log()


def test_an_added_event_arrives_with_its_added_fields(s, receiver):
    extend(s, MORE)
    r = receiver()
    s.start()
    s.subscribe(r.url(), events=["LoyaltyUpdate"], task={"httpRequest": {
        "url": "", "jsonBody": {
            "mail": "{{firstMail}}",
            "flights": {"{{#legs}}": "{{flight}}"}}}})
    answer = s.post({
        "event": "LoyaltyDetailsUpdate", "order": {
            "agwID": "A", "passengers": [{"email": "x@y.example"}],
            "legs": [{"flight": "IB1"}, {"flight": "IB2"}]}})
    assert answer.status == 202, answer
    got = r.wait(1)[0]
    assert got.headers["skycap-event"] == "LoyaltyUpdate"
    assert got.json() == {"mail": "x@y.example", "flights": ["IB1", "IB2"]}
    refused = s.post(ticketed(passengers=[{"email": []}]))
    assert refused.status == 422
    assert refused.json()["errors"][0]["pointer"] == \
        "/order/passengers/0/email"


def test_every_sample_may_be_sent(s):
    extend(s, MORE)
    lines = s.run("catalog", "--sample")
    sent = [json.loads(line) for line in
            s.run("send", "-", "--json", stdin=lines).splitlines()]
    assert [r["status"] for r in sent] == [202] * 32
    assert all(json.loads(line)["test"] for line in lines.splitlines())
    one = s.run("catalog", "OrderTicketed", "--sample")
    assert s.run("send", "-", stdin=one).startswith("evt_")


def test_a_name_shows_all_there_is_to_know(s):
    out = s.run("catalog", "FlightCancellation")
    head, sample = out.split("sample\n")
    assert "FlightCancelation" in head and "airline" in head
    assert json.loads(sample)["event"] == "FlightCancelation"
    assert s.lines("catalog", "OrderTicketed") == [
        attributes(s, "event")["OrderTicketed"]]
    assert [*s.lines("catalog", "origin")] == [
        attributes(s, "field")["origin"],
        attributes(s, "legField")["origin"]]
    assert "from the legs" in s.run("catalog", "fullPath")


@pytest.mark.parametrize("args, says", [
    (["OrderTicketd"], "did you mean OrderTicketed?"),
    (["totalamount"], "did you mean totalAmount?"),
    (["departur"], "did you mean departure?"),
    (["xyzzy"], "there is no event or field xyzzy\n"),
    (["pnr", "--sample"], "there is no event pnr\n"),
])
def test_an_unknown_name_names_the_nearest(s, args, says):
    s.run("catalog", *args, check=False)
    assert s.last.returncode == 1
    assert says in s.last.stderr


TENANT = {"fields": [{"name": "tenant", "type": "text", "sample": "T1",
                      "pointer": "/owner/~1id", "meaning": "Whose it is."}]}


def test_a_scope_on_a_field_that_programs_do_not_know_stops_nobody(s,
                                                                   receiver):
    """Added while they run, and taken away again later."""
    r = receiver()
    s.start()
    other = s.client("A", "--scope", "agency=Wander")
    s.subscribe(r.url("/a"), other)
    assert s.post(ticketed("A-1")).json()["deliveries"] == 1
    extend(s, TENANT)
    mine = s.client("T", "--scope", "tenant=T1")
    s.subscribe(r.url("/t"), mine)
    theirs = {"agency": "x", "owner": {"/id": "T2"}}
    ours = {"agency": "x", "owner": {"/id": "T1"}}

    def holds(n):
        got = [s.post(ticketed(f"A-{n}")),
               s.post(ticketed(f"N-{n}", **theirs)),
               s.post(ticketed(f"T-{n}", **ours))]
        assert [(g.status, g.json()["deliveries"]) for g in got] == \
            [(202, 1), (202, 0), (202, 1)]
        # the one of before may be on its way out
        wait_for("a sweep delivers", lambda: not s.sweep()["busy"])
        assert "tenant=T1" in s.run("client", "list")

    holds(2)                            # programs of before, a new command
    s.server.stop()
    s.start()
    holds(3)                            # all know it
    s.server.stop()
    extend(s, {"events": MORE["events"]})
    s.start()
    holds(4)                            # nobody does any more
    s.run("client", "add", "U", "--scope", "tenant=T2", check=False)
    assert s.last.returncode == 1
    arrived = sorted((g.path, g.json()["orderID"]) for g in r.wait(7))
    assert arrived == [("/a", f"A-{n}") for n in (1, 2, 3, 4)] + \
        [("/t", f"T-{n}") for n in (2, 3, 4)]


def test_a_filter_on_a_field_that_programs_do_not_know_holds(s, receiver):
    r = receiver()
    s.start()
    client = s.client("A", "--all")
    assert s.post(ticketed("A-1")).json()["deliveries"] == 0
    extend(s, TENANT)
    s.subscribe(r.url(), client, task={
        "filter": [{"field": "tenant", "op": "in", "value": ["T0", "T1"]}],
        "httpRequest": {"url": "", "jsonBody": "{{agwID}} {{tenant}}"}})

    def holds(n):
        got = [s.post(ticketed(f"{t}-{n}", owner={"/id": t})).json()
               for t in ("T1", "T2")] + [s.post(ticketed(f"N-{n}")).json()]
        assert [g["deliveries"] for g in got] == [1, 0, 0]

    holds(2)                            # taken, and held: it can't be shaped
    s.server.stop()
    extend(s, {"events": MORE["events"]})
    s.start()
    holds(3)
    assert s.sweep()["held"] == 2
    s.server.stop()
    extend(s, TENANT)
    s.start()
    holds(4)
    assert sorted(g.json() for g in r.wait(3)) == \
        ["T1-2 T1", "T1-3 T1", "T1-4 T1"]


@pytest.mark.parametrize("make, says", [
    (os.mkfifo, "is no file"),
    (lambda path: os.symlink("/nowhere/at/all", path), "No such file"),
    (os.mkdir, "Is a directory"),
])
def test_what_is_no_file_is_told_and_keeps_nobody_waiting(s, make, says):
    make(s.dir("s/catalog.json"))
    s.run("stats", check=False, timeout=10)
    assert s.last.returncode == 1
    assert f"s/catalog.json: {says}" in s.last.stderr
    s.start()
    assert s.post(ticketed()).status == 503
