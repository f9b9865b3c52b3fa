"""What a client asked for is what arrives, whatever an order contains."""

import json
import random
import urllib.parse

import harness
import pytest

LEGS = [{"origin": "MAD", "destination": "LHR", "flight": "IB3170",
         "departure": "2026-12-01T10:00:00+01:00",
         "arrival": "2026-12-01T11:30:00Z"},
        {"origin": "LHR", "destination": "MAD",
         "departure": "2026-12-08T18:00:00Z",
         "arrival": "2026-12-08T21:25:00+01:00"}]

HOSTILE = [
    "\"", "\\", "\\\"", "\"}", "\"]}}", "\r\n", "\r\nX-Evil: 1\r\n\r\n{}",
    "a\tb\bc\fd\x01\x1f\x7f", "{{agwID}}", "{{{order}}}", "{{#legs}}",
    "{{/legs}}", "{{=<% %>=}}", "<script>alert('x')</script>", "&amp;<b>\"'",
    "a/b", "../../admin", "?x=1&y=2#z", "%2e%2e%2f", "http://evil.example/",
    "user@host:80", "\u2028\u2029", "\ufeff", "é", "名前", "👩‍👩‍👧", "\U0010ffff",
    " ", "  padded  ", "-", "null", "true", "0", "1e400", "[1,2]", "{\"a\":1}",
    "x" * 200000,
]


def strict(body):
    """Python's json, refusing what it takes beyond the standard."""
    def refuse(name):
        raise ValueError(name)

    def once(pairs):
        assert len({k for k, _ in pairs}) == len(pairs), pairs
        return dict(pairs)
    return json.loads(body, parse_constant=refuse, object_pairs_hook=once,
                      parse_int=str, parse_float=str)


def catalog(s):
    rows = s.lines("catalog")
    return ([r for r in rows if "event" in r and
             not r["event"].startswith("skycap.")],     # no orders
            [r for r in rows if "field" in r and "sample" in r])


def task(fields, **more):
    """Every field as a string, inside one, and as the value itself."""
    return {"httpRequest": {
        "url": "",
        "header": {"x-order": {"value": "{{agwID}} {{agency}}",
                               "show": True}},
        "jsonBody": {
            "text": {f: "{{%s}}" % f for f in fields},
            "inside": {f: "<{{%s}}>" % f for f in fields},
            "value": {f: "{{{%s}}}" % f for f in fields},
            "legs": {"{{#legs}}": {"way": "{{origin}}-{{destination}}",
                                   "leg": "{{{.}}}"}},
            "type": "{{event.type}}", "id": "{{event.id}}",
            "delivery": "{{delivery.id}}", "by": "{{subscription.name}}",
            **more}}}


def test_each_of_the_31_events_carries_all_26_fields(service, receiver):
    r, s = receiver(), service().start()
    events, fields = catalog(s)
    assert (len(events), len(fields)) == (31, 26)
    names = [f["field"] for f in fields]
    s.subscribe(r.url("/hook/") + "{{event.type}}/{{agwID}}?l={{fullPath}}",
                events=("*",), task=task(names))
    sent = {}
    for n, e in enumerate(events):
        order = {f["field"]: f["sample"] for f in fields}
        order |= {"agwID": f"AGW-{n}", "adultsPax": n, "legs": LEGS,
                  "totalAmount": "412.90"}
        answer = s.post({"event": e["event"], "order": order})
        assert answer.status == 202, answer
        sent[order["agwID"]] = (e["event"], order, answer.json()["id"])
    for got in r.wait(31):
        body = strict(got.body)
        event, order, event_id = sent.pop(body["text"]["agwID"])
        assert body["type"] == event and body["id"] == event_id
        assert body["delivery"] == got.headers["webhook-id"]
        assert body["by"] == "All events to 127.0.0.1"
        assert got.headers["skycap-event"] == event
        assert got.headers["x-order"] == f"{order['agwID']} {order['agency']}"
        url = urllib.parse.urlsplit(got.path)
        assert url.path == f"/hook/{event}/{order['agwID']}"
        assert urllib.parse.parse_qs(url.query) == {"l": [order["fullPath"]]}
        for f in names:
            assert body["text"][f] == str(order[f])
            assert body["inside"][f] == f"<{order[f]}>"
            assert body["value"][f] == str(order[f])    # numbers as digits
        assert body["legs"] == [
            {"way": f"{leg['origin']}-{leg['destination']}", "leg": leg}
            for leg in LEGS]
    assert not sent


def test_no_value_leaves_its_place(service, receiver):
    """Each hostile value in every text field of one order, escapes and all."""
    r, s = receiver(), service().start()
    _, fields = catalog(s)
    names = [f["field"] for f in fields]
    references = ("orderID", "pnr", "recordLocator")
    texts = [f["field"] for f in fields if f["type"] == "text" and
             f["field"] not in ("agwID", *references)]
    rng = random.Random(7)
    s.subscribe(r.url("/a/") + "{{agency}}/b?q={{agent}}&r=1",
                task=task(names))
    for n, value in enumerate(HOSTILE):
        order = {"agwID": f"AGW-{n}", "legs": LEGS}
        order |= {f: value for f in texts if len(value) < 3000 or
                  f == "sessionId"}
        if len(value.encode()) <= 128:
            order |= {f: value for f in references}
        raw = json.dumps({"event": "OrderTicketed", "order": order},
                         ensure_ascii=rng.random() < 0.5)
        answer = s.post(raw)
        assert answer.status == 202, (value[:40], answer)
    seen = set()
    for got in r.wait(len(HOSTILE)):
        body = strict(got.body)
        n = int(body["text"]["agwID"][4:])
        value = HOSTILE[n]
        seen.add(n)
        given = {f for f in texts
                 if len(value) < 3000 or f == "sessionId"} - {"bookingType"}
        if len(value.encode()) <= 128:
            given |= set(references)
        for f in given:
            assert body["text"][f] == value, (f, value[:40])
            assert body["inside"][f] == f"<{value}>"
            assert body["value"][f] == value
        assert set(body) == {"text", "inside", "value", "legs", "type", "id",
                             "delivery", "by"}
        assert set(body["text"]) == set(names)
        assert "x-evil" not in got.headers
        assert "\r" not in got.headers["x-order"]
        url = urllib.parse.urlsplit(got.path)
        assert len(url.path.split("/")) == 4 and url.fragment == ""
        if len(value) < 3000:
            assert urllib.parse.unquote(url.path.split("/")[2]) == value
            assert dict(urllib.parse.parse_qsl(
                url.query, keep_blank_values=True)) == {"q": value, "r": "1"}
    assert seen == set(range(len(HOSTILE)))


@pytest.mark.parametrize("order, why", [
    ('{"agwID":"A","pnr":"\\u0000"}', "U+0000"),
    ('{"agwID":"A","pnr":"\\ud800"}', "surrogate"),
    ('{"agwID":"A","pnr":"\\udc00\\ud800"}', "surrogate"),
    ('{"agwID":"A","pnr":NaN}', ""),
    ('{"agwID":"A","pnr":\'x\'}', ""),
    ('{"agwID":"A","pnr":1,"pnr":2}', "twice"),
    ('{"agwID":"A","pnr":"a\nb"}', ""),
])
def test_what_could_not_be_sent_is_not_taken(service, order, why):
    s = service().start()
    answer = s.post('{"event":"OrderTicketed","order":%s}' % order)
    assert answer.status == 400, answer
    assert why in answer.body.decode()


def test_bytes_that_are_no_text_are_not_taken(service):
    s = service().start()
    for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
        answer = s.post(b'{"event":"OrderTicketed","order":{"agwID":"A",'
                        b'"agent":"' + bad + b'"}}')
        assert answer.status == 400, answer


def test_a_body_that_can_not_be_made_is_dead_and_says_why(service, receiver):
    r, s = receiver(), service().start()
    client = s.client()
    keys = s.subscribe(r.url(), client, task={"httpRequest": {"jsonBody": {
        "{{pnr}}": 1, "{{agent}}": 2}}})
    strict_one = s.subscribe(r.url(), client, missing="strict",
                             task={"httpRequest": {"jsonBody": [
                                 "{{order.seat.row}}"]}})
    large = s.subscribe(r.url(), client, task={"httpRequest": {"jsonBody": [
        "{{agent}}" * 9]}})
    fine = s.subscribe(r.url("/fine"), client)
    s.post({"event": "OrderTicketed", "order": {
        "agwID": "A", "pnr": "same", "agent": "same", "x": "y" * 1000}})
    s.post({"event": "OrderTicketed", "order": {
        "agwID": "B", "pnr": "p", "agent": "z" * 200000,
        "seat": {"row": 7}}})
    harness.wait_for("all is settled", lambda: sorted(
        d["state"] for d in s.deliveries()) ==
        ["dead"] * 3 + ["delivered"] * 5)
    dead = {d["subscription"]: d for d in s.deliveries()
            if d["state"] == "dead"}
    assert {d["reason"] for d in dead.values()} == {"template"}
    said = {sub: s.run("show", d["id"]) for sub, d in dead.items()}
    assert "twice at /same" in said[keys]
    assert "order.seat.row is missing" in said[strict_one]
    assert "longer than 1048576 bytes" in said[large]
    assert fine not in dead
    assert len(r.got) == 5


def test_the_largest_event_arrives_and_a_larger_one_is_refused(service,
                                                               receiver):
    """However it comes in: alone, in a batch, from a shell."""
    r, s = receiver(), service().start()
    client = s.client()
    s.run("subscription", "add", "--client", client, "--file", "-",
          stdin=json.dumps({"event": ["*"],
                            "httpRequest": {"url": r.url()}}))

    def event(name, size):
        text = ('{"event":"OrderTicketed","order":{"agwID":"%s","x":[' % name)
        while len(text) < size - 200000:
            text += '"' + "y" * 150000 + '",'
        text += '"' + "y" * (size - len(text) - 5) + '"]}}'
        assert len(text) == size
        return text

    most = 1 << 20
    assert s.post(event("A", most)).status == 202
    assert s.post(event("B", most + 1)).status == 413
    lines = "\n".join([event("C", most), event("D", most + 1)])
    got = s.post(lines, kind="application/x-ndjson").json()["results"]
    assert [g["status"] for g in got] == [202, 422]
    assert got[1]["errors"][0]["detail"] == \
        "an event has at most 1048576 bytes"
    s.run("send", "-", stdin=event("E", most))
    s.run("send", "-", stdin=event("F", most + 1), check=False)
    assert s.last.returncode == 1
    assert "an event has at most 1048576 bytes" in s.last.stderr
    assert {strict(g.body)["data"]["agwID"] for g in r.wait(3)} == \
        {"A", "C", "E"}
