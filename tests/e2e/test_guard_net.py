"""The guard: no spelling, name, proxy or kept connection leads inside."""

import json
import os
import subprocess
import time

import harness
import netns
import pytest
from endpoints import OK, Raw, http
from service import ticketed

PUBLIC = "93.184.216.34"        # looks public; inside a Net it is ours

in_namespaces = pytest.mark.skipif(not netns.PERMITTED,
                                   reason=netns.WHY_NOT or "permitted")


def answering(s, n):
    while http(s) is not None:
        s.sendall(OK)


@pytest.fixture
def endpoint():
    started = []

    def start(*args, net=None, **options):
        if net is None:
            started.append(Raw(*args, **options))
        else:
            with net.here():
                started.append(Raw(*args, **options))
        return started[-1]

    yield start
    for r in started:
        r.close()


@pytest.fixture
def net():
    n = netns.Net(PUBLIC)
    yield n
    n.close()


def guard(s, allow="", ports=""):
    with open(s.made["conf"], encoding="utf-8") as f:
        text = f.read().partition("[guard]")[0]
    with open(s.made["conf"], "w", encoding="utf-8") as f:
        f.write(f"{text}[guard]\nallow = {allow}\nports = {ports}\n")


def send(s, name="A-1"):
    s.run("send", "-", stdin=json.dumps(ticketed(name)))


def words(s):
    """Subscription: the words of its only delivery's attempts."""
    return {d["subscription"]: [a["word"] for a in json.loads(
        s.run("show", d["id"], "--json"))["log"]] for d in s.deliveries()}


def states(s):
    return [d["state"] for d in s.deliveries()]


HOSTS = """127.0.0.1 127.1 127.0.1 2130706433 0x7f.1 0x7f000001 0x7F.0.0.1
0177.0.0.1 017700000001 0x7f.0.0.0x1 127.0.0.1. 127.0.0.2 0.0.0.0 0 0x0
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
[0:0:0:0:0:ffff:127.0.0.1] [::ffff:0:127.0.0.1] [::127.0.0.1] [::7f00:1]
[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
[2001:0:7f00:1::1] [fe80::1] [fe80::1%25lo] [fe80::1%lo] [fec0::1] [fd00::1]
localhost LOCALHOST localhost. shop.localhost
%31%32%37.0.0.1 127%2e0.0.1 loc%61lhost １２７.0.0.1 127。0。0。1
①②⑦.0.0.1 ⓛocalhost ｌocalhost user@127.0.0.1 example.com@127.0.0.1
example.com:80@127.0.0.1 10.0.0.1 169.254.169.254 2852039166 0xa9fea9fe
[::ffff:a9fe:a9fe]""".split()


def test_no_spelling_of_an_inner_address_is_sent_to(service, endpoint):
    inner, s = endpoint(answering), service()
    guard(s)
    client, taken = s.client(), {}
    for host in HOSTS:
        url = inner.url(host=host)
        task = json.dumps({"httpRequest": {"url": url, "jsonBody": {}},
                           "settings": {"retry_s": [], "timeout_s": 5}})
        sub = s.run("subscription", "add", "--client", client, "--file", "-",
                    "--event", "OrderTicketed", stdin=task, check=False)
        if s.last.returncode == 0:
            taken[sub] = host
        else:
            assert "url" in s.last.stderr, (host, s.last)
    assert {"127.0.0.1", "[::1]", "[::ffff:7f00:1]", "localhost",
            "[64:ff9b::7f00:1]"} <= set(taken.values())
    send(s)
    s.run("sweep", "--once")
    got = {taken[sub]: w for sub, w in words(s).items()}
    # that is a name, which this machine's name server may know or not
    name = got.pop("localhost.", ["guard"])
    assert name[0] in ("guard", "dns", "timeout")
    assert {h: w for h, w in got.items() if w != ["guard"]} == {}
    assert len(got) >= len(taken) - 1
    assert inner.connections == 0


def test_ports_of_mail_and_open_stores_are_refused_or_those_not_named(
        service, endpoint):
    one, other, s = endpoint(answering), endpoint(answering), service()
    guard(s, "127.0.0.0/8")
    client, denied = s.client(), {}
    for port in (25, 465, 587, 6379, 11211):
        denied[s.subscribe(f"http://127.0.0.1:{port}/", client,
                           retry_s=[])] = port
    subs = [s.subscribe(r.url(), client, retry_s=[]) for r in (one, other)]
    send(s)
    s.run("sweep", "--once")
    got = words(s)
    assert {got[sub][0] for sub in denied} == {"guard"}
    assert [got[sub] for sub in subs] == [["ok"], ["ok"]]
    # what is read at the next start holds, also for what was kept
    guard(s, "127.0.0.0/8", f"443 {other.port}")
    send(s, "A-2")
    s.run("sweep", "--once")
    last = {d["subscription"]: d["state"] for d in s.deliveries()
            if d["agwID"] == "A-2"}
    assert [last[sub] for sub in subs] == ["dead", "delivered"]
    assert (one.connections, other.connections) == (1, 2)


def test_proxies_of_the_environment_are_not_used(service, endpoint):
    proxy, good, s = endpoint(answering), endpoint(answering), service()
    guard(s, "127.0.0.0/8")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        s.env[name] = s.env[name.upper()] = proxy.url()
    s.env["no_proxy"] = s.env["NO_PROXY"] = ""
    s.subscribe(good.url(), retry_s=[])
    s.subscribe("http://10.0.0.1/", retry_s=[])
    send(s)
    s.run("sweep", "--once")
    assert sorted(w[0] for w in words(s).values()) == ["guard", "ok"]
    assert (good.connections, proxy.connections) == (1, 0)


def sweep(net, s):
    subprocess.run(net.command(harness.built("skycap"), "sweep", "--once"),
                   env=s.env, check=True, capture_output=True, timeout=60)


class Standing:
    """A sweep that stays, inside."""

    def __init__(self, net, s):
        self.process = subprocess.Popen(
            net.command(harness.built("skycap"), "sweep"), env=s.env)

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def stop(self):
        """How long that took, in seconds."""
        begun = time.monotonic()
        self.process.terminate()
        try:
            assert self.process.wait(20) == 0
        finally:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - begun


@in_namespaces
def test_a_name_that_changes_its_answer_gains_nothing(service, endpoint, net):
    answers = {
        # outside at first, inside from then on
        "turns.test": lambda n: [PUBLIC if n == 0 else "127.0.0.1"],
        # both at once, in both orders
        "both.test": lambda n: ["127.0.0.1", PUBLIC],
        "either.test": lambda n: [PUBLIC, "10.0.0.1"],
        "inside.test": lambda n: ["127.0.0.1", "10.0.0.1"],
        "never.test": lambda n: (),
    }
    net.name_server(lambda name, n: answers.get(name, lambda n: ())(n))
    outer = endpoint(answering, address=PUBLIC, net=net)
    inner = endpoint(answering, port=outer.port, net=net)
    s = service()
    guard(s)
    client = s.client()
    subs = {s.subscribe(outer.url(host=name), client, retry_s=[]): name
            for name in answers}
    send(s)
    sweep(net, s)
    assert {subs[k]: w for k, w in words(s).items()} == {
        "turns.test": ["ok"], "both.test": ["ok"], "either.test": ["ok"],
        "inside.test": ["guard"], "never.test": ["dns"]}
    assert (outer.connections, inner.connections) == (3, 0)

    # another process asks anew
    send(s, "A-2")
    sweep(net, s)
    last = {subs[d["subscription"]]: d for d in s.deliveries()
            if d["agwID"] == "A-2"}
    log = json.loads(s.run("show", last["turns.test"]["id"], "--json"))["log"]
    assert [a["word"] for a in log] == ["guard"]
    assert "127.0.0.1" not in json.dumps(log)
    assert (outer.connections, inner.connections) == (5, 0)


@in_namespaces
def test_a_kept_connection_is_not_led_elsewhere_by_its_name(
        service, endpoint, net):
    inside = []
    net.name_server(lambda name, n: inside or [PUBLIC])

    def closing(s, n):
        for _ in range(2):
            http(s)
            s.sendall(OK)

    outer = endpoint(closing, address=PUBLIC, net=net)
    inner = endpoint(answering, port=outer.port, net=net)
    s = service()
    guard(s)
    s.subscribe(outer.url(host="shop.test"), retry_s=[], concurrency=1)
    standing = Standing(net, s)
    try:
        for i in range(4):      # two on each connection
            send(s, f"A-{i}")
            harness.wait_for("it is delivered", lambda: states(s) ==
                             ["delivered"] * (i + 1))
            inside[:] = ["127.0.0.1"]
        assert (outer.connections, inner.connections) == (2, 0)
    finally:
        standing.stop()


@in_namespaces
def test_a_name_server_that_never_answers_holds_up_nobody_else(
        service, endpoint, net):
    net.name_server(lambda name, n: [PUBLIC] if name == "good.test" else None)

    def closing(s, n):
        http(s)
        s.sendall(OK)

    outer = endpoint(closing, address=PUBLIC, net=net)
    s = service()
    guard(s)
    client, count = s.client(), 30
    s.subscribe(outer.url(host="good.test"), client, retry_s=[],
                events=("OrderTicketed", "OrderCreated"))
    for i in range(count):
        s.subscribe(outer.url(host=f"dead{i}.test"), client, timeout_s=2,
                    retry_s=[])
    created = {**ticketed("A-0"), "event": "OrderCreated"}
    s.run("send", "-", stdin=json.dumps(created))
    standing = Standing(net, s)
    most = 0
    try:
        harness.wait_for("it is delivered", lambda: outer.connections == 1)
        quiet = standing.threads()
        send(s)
        late = []
        for i in range(10):
            created["order"]["agwID"] = f"A-G{i}"
            begun = time.monotonic()
            s.run("send", "-", stdin=json.dumps(created))
            harness.wait_for("others arrive", lambda: outer.connections >=
                             i + 3, 5)
            late.append(time.monotonic() - begun)
            most = max(most, standing.threads())
        assert sorted(late)[5] < 1, late
        assert quiet < most <= quiet + 24       # names never seen before
        harness.wait_for("the rest has its end", lambda: states(s).count(
            "dead") == count)
        assert {w[0] for w in words(s).values()} <= {"ok", "timeout", "dns"}
        assert standing.threads() <= quiet + 32
    finally:
        took = standing.stop()      # while look-ups go on
    assert took < 3
