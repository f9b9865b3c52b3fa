"""An order event goes in, the client's message arrives."""

import base64
import hashlib
import hmac
import json
import re
import time

import harness
import pytest
from service import Receiver, ticketed


def genuine(secret, got):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = (got.headers["webhook-id"] + "." +
              got.headers["webhook-timestamp"] + ".").encode() + got.body
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    return "v1," + mac.decode() in got.headers["webhook-signature"].split()


def test_the_worked_vector_of_standard_webhooks_is_what_genuine_checks():
    class Vector:
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature":
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
        body = b'{"test": 2432232314}'
    assert genuine("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Vector)


def test_the_help_pages_example_arrives_as_promised(service, receiver):
    r, s = receiver(), service().start()
    sub = s.subscribe(r.url())
    answer = s.post(ticketed())
    assert answer.status == 202, answer
    assert answer.json()["deliveries"] == 1
    assert answer.json()["duplicate"] is False
    got = r.wait(1)[0]
    assert got.method == "POST"
    assert got.path == "/api/order-ticketed"
    assert got.body == json.dumps({
        "orderID": "AGW-JHTE1543KJ", "agent": "Ana Gil", "agency": "Wander",
        "pnr": "KWJ2MT", "freeText": "Order has been ticketed, this is your "
        "order ID: AGW-JHTE1543KJ"}, separators=(",", ":")).encode()
    assert got.headers["content-type"] == "application/json"
    assert got.headers["authorization"] == "Basic YourPassword"
    assert got.headers["skycap-event"] == "OrderTicketed"
    assert got.headers["skycap-event-id"] == answer.json()["id"]
    assert got.headers["skycap-attempt"] == "1"
    assert re.fullmatch(r"Skycap/\d+\.\d+.*", got.headers["user-agent"])
    assert "accept-encoding" not in got.headers
    assert "expect" not in got.headers
    assert genuine(s.run("secret", "show", sub), got)
    harness.wait_for("it is on record as delivered", lambda: [
        d["state"] for d in s.deliveries()] == ["delivered"])
    d = s.deliveries()[0]
    assert d["id"] == got.headers["webhook-id"]
    assert d["subscription"] == sub
    assert (d["attempts"], d["lastStatus"], d["agwID"]) == \
        (1, 204, "AGW-JHTE1543KJ")
    shown = json.loads(s.run("show", d["id"], "--json"))
    assert [a["status"] for a in shown["log"]] == [204]
    assert "YourPassword" not in s.run("show", d["id"])


def test_a_receiver_that_answers_500_twice_gets_it_on_the_third_try(
        service, receiver):
    r = receiver(lambda n, got: 500 if n <= 2 else 200)
    s = service().start()
    s.subscribe(r.url(), retry_s=[1, 1, 60])
    s.post(ticketed())
    got = r.wait(3)
    assert [g.headers["skycap-attempt"] for g in got] == ["1", "2", "3"]
    assert len({g.headers["webhook-id"] for g in got}) == 1
    assert len({g.body for g in got}) == 1
    assert got[1].at - got[0].at >= 0.99
    harness.wait_for("it is delivered", lambda:
                     s.deliveries()[0]["state"] == "delivered")
    shown = json.loads(s.run("show", s.deliveries()[0]["id"], "--json"))
    assert [a["status"] for a in shown["log"]] == [500, 500, 200]


def test_a_receiver_that_is_down_gets_it_when_it_is_up_again(service):
    port = harness.free_port()
    s = service().start()
    s.subscribe(f"http://127.0.0.1:{port}/x", retry_s=[1] * 20)
    s.post(ticketed())
    harness.wait_for("an attempt fails", lambda:
                     s.deliveries()[0]["attempts"] >= 1)
    r = Receiver(port=port)
    try:
        r.wait(1)
        harness.wait_for("it is delivered", lambda:
                         s.deliveries()[0]["state"] == "delivered")
        shown = json.loads(s.run("show", s.deliveries()[0]["id"], "--json"))
        assert shown["log"][0]["word"] == "refused"
    finally:
        r.close()


def test_a_client_gets_the_orders_of_its_scope_alone(service, receiver):
    wander, elsewhere = receiver(), receiver()
    s = service().start()
    s.subscribe(wander.url(), s.run(
        "client", "add", "Wander", "--scope", "agency=Wander"))
    s.subscribe(elsewhere.url(), s.run(
        "client", "add", "Else", "--scope", "agency=Elsewhere",
        "--scope", "consumerIataCode=12345678"))
    for i, order in enumerate([{"agency": "Wander"}, {"agency": "Elsewhere"},
                               {"agency": "wander"},
                               {"agency": "X", "consumerIataCode": 12345678}]):
        want = 0 if order["agency"] == "wander" else 1
        answer = s.post(ticketed(f"A{i}", **order))
        assert answer.json()["deliveries"] == want, answer
    wander.wait(1)
    elsewhere.wait(2)
    assert [g.json()["orderID"] for g in wander.got] == ["A0"]
    assert sorted(g.json()["orderID"] for g in elsewhere.got) == ["A1", "A3"]


def test_a_hostile_order_changes_neither_body_nor_headers_nor_url(
        service, receiver):
    r, s = receiver(), service().start()
    nasty = 'a"},"x":{"\\\r\nX-Evil: 1\r\n\r\n{{pnr}}</script>é\u2028/../?&#'
    task = {"httpRequest": {
        "url": "https://x/", "method": "PUT",
        "header": {"x-agent": {"value": "<{{agent}}>", "show": True}},
        "jsonBody": {"agent": "{{agent}}", "n": "{{{adultsPax}}}",
                     "amount": "{{{totalAmount}}}"}}}
    s.subscribe(r.url("/p/{{agent}}?q={{agent}}"), task=task)
    answer = s.post(ticketed(agent=nasty, adultsPax=2, totalAmount="412.90"))
    assert answer.status == 202, answer
    got = r.wait(1)[0]
    assert got.method == "PUT"
    assert got.json() == {"agent": nasty, "n": 2, "amount": "412.90"}
    assert "x-evil" not in got.headers
    path, _, query = got.path.partition("?")
    assert path.count("/") == 2 and "&" not in query and "#" not in query


def test_events_posted_while_nothing_sweeps_are_sent_by_cron_as_plain_cgi(
        service, receiver):
    r, s = receiver(), service(mode="cgi").start()
    s.subscribe(r.url())
    for i in range(3):
        assert s.post(ticketed(f"A{i}")).status == 202
    report = s.sweep()
    assert report["delivered"] == 3 and report["pending"] == 0, report
    assert len(r.got) == 3
    report = s.sweep()
    assert report["delivered"] == 0 and report["busy"] is False, report


def test_an_attempt_longer_than_a_hits_budget_still_ends_on_record(
        service, receiver):
    r = receiver(lambda n, got: (time.sleep(4), 204)[1])
    s = service("[sweep]\nbudget = 1\n", mode="cgi").start()
    s.subscribe(r.url())
    s.post(ticketed())
    assert s.sweep()["delivered"] == 1
    assert len(r.got) == 1
    assert [(d["state"], d["attempts"]) for d in s.deliveries()] == [
        ("delivered", 1)]


def test_a_secret_that_the_endpoint_repeats_is_masked_on_record(
        service, receiver):
    r = receiver(lambda n, got: (
        500, {"x-seen": got.headers["authorization"]},
        b"you sent " + got.headers["authorization"].encode() +
        b" with YourPassword"))
    s = service().start()
    s.subscribe(r.url(), retry_s=[60])
    s.post(ticketed())
    harness.wait_for("an attempt is on record", lambda:
                     s.deliveries()[0]["attempts"] == 1)
    shown = s.run("show", s.deliveries()[0]["id"], "--json")
    assert "YourPassword" not in shown
    assert json.loads(shown)["log"][0]["responseBody"].startswith("you sent *")


def test_a_paused_subscription_holds_and_a_resumed_one_delivers(
        service, receiver):
    r, s = receiver(), service().start()
    sub = s.subscribe(r.url())
    s.run("subscription", "pause", sub)
    s.post(ticketed())
    assert [d["state"] for d in s.deliveries()] == ["held"]
    report = s.sweep()
    assert (report["pending"], report["held"]) == (0, 1), report
    assert r.got == []
    s.run("subscription", "resume", sub)
    r.wait(1)


def test_the_guard_stops_what_it_is_not_told_to_allow(service, receiver):
    r = receiver()
    s = service("[guard]\nallow = 192.0.2.0/24\n").start()
    s.subscribe(r.url(), retry_s=[60])
    s.post(ticketed())
    harness.wait_for("an attempt is on record", lambda:
                     s.deliveries()[0]["attempts"] == 1)
    shown = json.loads(s.run("show", s.deliveries()[0]["id"], "--json"))
    assert shown["log"][0]["word"] == "guard"
    assert r.got == []


def test_an_endpoint_that_is_gone_is_not_asked_again(service, receiver):
    r, s = receiver(lambda n, got: 410), service().start()
    sub = s.subscribe(r.url())
    s.post(ticketed())
    r.wait(1)
    harness.wait_for("its subscription is disabled", lambda: json.loads(
        s.run("show", sub))["state"] == "disabled")
    assert json.loads(s.run("show", sub))["reason"] == "gone"
    s.post(ticketed("A2"))
    harness.wait_for("the report says held", lambda: s.sweep()["held"] >= 1)
    assert len(r.got) == 1


@pytest.mark.parametrize("mode", ["fcgi", "cgi"])
def test_the_report_needs_its_token(service, mode):
    s = service(mode=mode).start()
    assert s.server.get("/sweep").status == 401
    assert s.server.get("/sweep?token=sweep_wrong").status == 401
    assert s.server.get("/sweep", {
        "Authorization": f"Bearer {s.key}"}).status == 403
    answer = s.server.get("/sweep", {
        "Authorization": f"Bearer {s.made['sweep_token']}"})
    assert answer.status == 200
    assert set(answer.json()) == {
        "delivered", "retrying", "dead", "pending", "held", "oldest_due_s",
        "took_ms", "busy"}
    assert s.server.get("/sweep/health").status == 200
