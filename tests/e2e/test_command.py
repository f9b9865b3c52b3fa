"""The command: what it prints, what it refuses, and with which exit status."""

import json
import os
import re
import subprocess

import pytest

import harness
from service import Service, ticketed

COMMANDS = ("backtest catalog client config deliveries events give-up init "
            "key preview secret send show stats subscription sweep verify").split()
TASK = {
    "name": "To the back office",
    "event": ["OrderTicketed"],
    "httpRequest": {
        "url": "http://127.0.0.1:1/in?token=tokentokentoken&x=1",
        "header": {"authorization": "Basic YourPassword",
                   "x-shown": {"value": "visible", "show": True}},
        "jsonBody": {"orderID": "{{agwID}}"},
    },
}
SECRETS = ("YourPassword", "tokentokentoken")


class Command(Service):
    """A service that nobody serves, and what was made in it."""

    def __init__(self):
        super().__init__()
        self.client_id = self.client("Wander", "--scope", "agency=Wander")
        self.sub = self.run("subscription", "add", "--client",
                            self.client_id, "--file", "-",
                            stdin=json.dumps(TASK))
        self.client_key = self.run("key", "add", "--client", self.client_id)
        self.event = self.run("send", "-", stdin=json.dumps(ticketed("A-1")))
        self.run("sweep", "--once")     # an attempt that is refused
        self.delivery = self.deliveries()[0]["id"]

    def fails(self, *args, status=1, says="", **options):
        out = self.run(*args, check=False, **options)
        assert self.last.returncode == status, self.last
        assert out == "", self.last
        assert says in self.last.stderr, self.last
        return self.last.stderr


@pytest.fixture(scope="module")
def it():
    command = Command()
    yield command
    command.close()


def key_id(it, kind):
    return next(k["id"] for k in it.lines("key", "list")
                if k["kind"] == kind)


# Set-up

def test_a_second_init_changes_nothing(it):
    files = {}
    for name in ("skycap.conf", "key"):
        with open(it.dir("s", name), "rb") as f:
            files[name] = f.read()
    it.fails("init", "--dir", it.dir("s"), "--data", it.dir("data"),
             says="it exists; nothing was changed")
    for name, text in files.items():
        with open(it.dir("s", name), "rb") as f:
            assert f.read() == text
    assert it.lines("client", "list")[0]["id"] == it.client_id


def test_init_says_once_what_is_needed(it, directory):
    out = it.run("init", "--dir", directory("new"), "--data", it.dir("data"))
    for what in ("operator, password ", "publish_", "sweep_",
                 "export SKYCAP_CONF=" + directory("new/skycap.conf")):
        assert what in out
    for name in ("skycap.conf", "key"):
        assert os.stat(directory("new", name)).st_mode & 0o077 == 0
    assert os.stat(directory("new", "store")).st_mode & 0o077 == 0
    made = json.loads(it.run("init", "--dir", directory("other"), "--data",
                             it.dir("data"), "--json"))
    assert set(made) == {"conf", "operator", "password", "publish_key",
                         "sweep_token"}


def test_an_init_that_fails_can_be_done_again(it, directory):
    directory.write("empty", "")
    it.fails("init", "--dir", directory("d"), "--data", directory("empty"),
             says="--data")
    it.fails("init", "--dir", directory("d"), "--data", directory("none"),
             says="No such file")
    it.fails("init", "--dir", directory("d"), "--data", it.dir("data"),
             "--url", "no url", says="url")
    it.run("init", "--dir", directory("d"), "--data", it.dir("data"))


def test_data_is_taken_from_where_the_command_runs(it, directory):
    done = subprocess.run(
        [harness.built("skycap"), "init", "--dir", directory("r"), "--data",
         "data"], cwd=it.dir.path, capture_output=True, text=True,
        env=it.env, check=False)
    assert done.returncode == 0, done


def test_a_printed_configuration_loads_again_and_prints_the_same(
        it, directory):
    first = it.run("config")
    path = directory.write("copy.conf", first + "\n")
    second = it.run("config", "--conf", path)
    assert first.splitlines()[0] == "# " + it.made["conf"]
    assert second.splitlines()[1:] == first.splitlines()[1:]
    shown = json.loads(it.run("config", "--json"))
    assert shown["store"]["dir"] == it.dir("s/store")
    assert shown["guard"]["allow"] == "127.0.0.0/8"


# Listings

@pytest.mark.parametrize("args", [
    ("client", "list"), ("subscription", "list"), ("key", "list"),
    ("events",), ("deliveries",), ("stats",), ("catalog",), ("verify",),
    ("config",)])
def test_every_listing_has_one_object_a_line(it, args):
    found = it.lines(*args)
    assert found and all(isinstance(o, dict) for o in found)


def test_empty_listings_say_so_to_people_and_nothing_to_programs(service):
    s = service()
    for args, words in ((("client", "list"), "No clients yet"),
                        (("subscription", "list"), "No subscriptions yet"),
                        (("events",), "No events yet"),
                        (("deliveries",), "No deliveries yet"),
                        (("events", "--ref", "pnr=X"), "No such events"),
                        (("deliveries", "--state", "dead"),
                         "No such deliveries")):
        assert words in s.run(*args)
        assert s.run(*args, "--json") == ""
    for key in s.lines("key", "list"):
        s.run("key", "revoke", key["id"])
    assert "No keys" in s.run("key", "list")


def test_shapes_of_listings(it):
    [d] = it.deliveries()
    assert list(d) == [
        "id", "event", "eventType", "subscription", "client", "agwID",
        "state", "reason", "attempts", "nextAttemptAt", "lastStatus",
        "createdAt", "doneAt", "test"]
    assert (d["event"], d["subscription"], d["client"], d["agwID"]) == (
        it.event, it.sub, it.client_id, "A-1")
    [s] = it.lines("subscription", "list")
    assert list(s) == [
        "id", "client", "state", "reason", "version", "createdAt",
        "updatedAt", "since", "name", "event", "httpRequest"]
    [c] = it.lines("client", "list")
    assert (c["id"], c["scope"]) == (
        it.client_id, [{"field": "agency", "value": "Wander"}])
    assert {k["kind"] for k in it.lines("key", "list")} == {
        "publish", "sweep", "client"}


def test_events_are_found_by_reference_and_type(it):
    for ref in ("agwID=a-1", "pnr=KWJ2MT"):
        assert it.event in [e["id"] for e in it.lines("events", "--ref", ref)]
    assert it.lines("events", "--ref", "agwID=A-2") == []
    assert it.event in it.run("events", "--type", "OrderTicketed")
    assert it.lines("events", "--type", "OrderCreated") == []
    assert it.lines("events", "--type", "FlightCancellation") == []


def test_limits_and_states(it):
    assert len(it.lines("key", "list")) == 3
    assert len(it.lines("events", "--limit", "1")) == 1
    assert len(it.lines("deliveries", "--state", "pending")) == 1
    assert it.lines("deliveries", "--state", "delivered") == []
    assert len(it.lines("deliveries", "--client", it.client_id)) == 1
    assert len(it.lines("deliveries", "--subscription", it.sub)) == 1


def test_a_paused_subscription_holds_and_says_so(it):
    it.run("subscription", "pause", it.sub)
    [d] = it.lines("deliveries", "--state", "held")
    assert d["nextAttemptAt"] is None
    stats = it.lines("stats")[0]
    assert (stats["held"], stats["pending"], stats["paused"]) == (1, 0, 1)
    assert it.lines("deliveries", "--state", "pending") == []
    assert "paused" in it.run("subscription", "list")
    it.run("subscription", "resume", it.sub)
    assert len(it.lines("deliveries", "--state", "pending")) == 1


# On a terminal

@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("args", [
    ("deliveries",), ("events",), ("client", "list"), ("key", "list"),
    ("subscription", "list"), ("catalog",)])
def test_tables_fit_the_terminal(it, columns, args):
    out = it.on_terminal(columns, *args)
    assert max(map(len, out.splitlines())) <= columns, out
    assert out.splitlines()[0].split()[0].isupper()


def test_ids_are_never_cut(it):
    assert it.delivery in it.on_terminal(80, "deliveries")
    assert it.event in it.on_terminal(80, "events")


def test_what_is_no_terminal_gets_everything(it):
    assert TASK["name"] in it.run("deliveries")
    assert "…" not in it.run("catalog")


def test_nothing_from_outside_works_the_terminal(service):
    s = service()
    evil = "x\x1b[2J\x9b31m\x7fy"
    order = {"agwID": evil, "note": evil}
    s.subscribe("http://127.0.0.1:1/")
    event = s.run("send", "-", stdin=json.dumps(
        {"event": "OrderTicketed", "order": order}))
    outputs = [s.run("events"), s.run("deliveries"), s.run("show", event),
               s.run("show", s.deliveries()[0]["id"])]
    s.run("send", "-", stdin=json.dumps({
        "event": "OrderTicketed", "order": {"agwID": "A"}, evil: 1}),
        check=False)
    outputs.append(s.last.stderr)
    for out in outputs:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", out), repr(out)
    assert "x?[2J?31m?y" in outputs[0]
    assert s.lines("events")[0]["agwID"] == evil


# Usage and errors

@pytest.mark.parametrize("args, says", [
    ((), "usage: skycap COMMAND"),
    (("deliverys",), "did you mean deliveries?"),
    (("nonsense",), "there is no command"),
    (("client",), "say first what to do"),
    (("client", "lsit"), "did you mean list?"),
    (("client", "list", "--jsn"), "did you mean --json?"),
    (("client", "list", "-q"), "there is no option -q"),
    (("client", "list", "--json=1"), "--json takes no value"),
    (("client", "list", "more"), "list takes no arguments"),
    (("client", "add"), "one name is needed"),
    (("client", "add", "A"), "--all"),
    (("client", "add", "A", "--all", "--scope", "agency=B"), "--all"),
    (("client", "show"), "one id is needed"),
    (("key", "add"), "--publish"),
    (("key", "add", "--publish", "--operator"), "--publish"),
    (("key", "add", "--client"), "--client needs a value"),
    (("subscription", "add", "--client", "x"), "--file"),
    (("subscription", "edit", "x"), "--file"),
    (("secret", "rotat", "x"), "there is no"),
    (("events", "--limit", "0"), "--limit"),
    (("events", "--limit", "x"), "--limit"),
    (("events", "--ref", "agwID"), "NAME=VALUE"),
    (("events", "--ref", "colour=red"), "NAME=VALUE"),
    (("events", "--type", "OrderTicketd"), "did you mean OrderTicketed?"),
    (("deliveries", "--state", "lost"), "pending, held, delivered or dead"),
    (("send",), "one file is needed"),
    (("show", "a", "b"), "one id is needed"),
    (("stats", "x"), "no arguments"),
    (("init",), "--dir"),
])
def test_bad_usage_is_status_2(it, args, says):
    it.fails(*args, status=2, says=says)


@pytest.mark.parametrize("args, says", [
    (("client", "show", "nonsense"), "is not the id of a client"),
    (("show", "evt_0000000000000000000"), "nothing with the id"),
    (("show", "nonsense"), "nothing with the id"),
    (("send", "/no/such/file"), "No such file"),
    (("send", "/dev/null"), "no event"),
    (("subscription", "add", "--client", "cli_x", "--file", "/dev/null"),
     "is not the id of a client"),
    (("client", "add", "A", "--scope", "agencie=B"), "did you mean agency?"),
    (("client", "add", "A", "--scope", "agency="), "not empty"),
    (("client", "add", "", "--all"), "must not be empty"),
    (("stats", "--conf", "/no/such.conf"), "skycap init"),
])
def test_what_fails_is_status_1(it, args, says):
    it.fails(*args, says=says)


def test_an_id_of_another_kind_is_refused(it):
    for args in (("client", "show"), ("secret", "show"),
                 ("subscription", "show"), ("key", "revoke")):
        it.fails(*args, it.event, says="is not the id of a")
    it.fails("subscription", "show", it.client_id,
             says="is not the id of a subscription")


def test_a_wrong_setting_is_told_with_line_and_nearest(it, directory):
    path = directory.write("bad.conf", "[store]\ndri = x\n")
    assert ":2: " in it.fails("stats", "--conf", path, says='"dir"')


@pytest.mark.parametrize("args", [("catalog",), ("catalog", "--json"),
                                  ("client", "list"), ("--version",)])
def test_what_can_not_be_written_has_failed(it, args):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([harness.built("skycap"), *args], text=True,
                              stdout=full, stderr=subprocess.PIPE,
                              env=it.env, check=False)
    assert done.returncode == 1
    assert done.stderr == \
        "skycap: standard output: No space left on device\n"


def test_a_reader_who_has_gone_is_no_news(it):
    out, into = os.pipe()
    os.close(out)
    done = subprocess.run([harness.built("skycap"), "catalog", "--json"],
                          stdout=into, stderr=subprocess.PIPE, env=it.env,
                          check=False)
    os.close(into)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(it, command):
    out = it.run(command, "--help")
    assert out.startswith(f"usage: skycap {command}")
    assert "--json" in out
    assert it.run("--help").count(f"\n  {command} ") == 1


def test_every_verb_has_its_help(it):
    for command in ("client", "key", "subscription", "secret"):
        for verb in re.findall(rf"skycap {command} ([a-z]+)",
                               it.run(command, "--help")):
            assert it.run(command, verb, "--help") == \
                it.run(command, "--help")


# Sending

def test_items_of_an_array_stand_alone(it):
    text = json.dumps([ticketed("S-1"), {"event": "OrderTicketd",
                                         "order": {"agwID": "S-2"}},
                       ticketed("S-3")], indent=1)
    out = it.run("send", "-", stdin=text, check=False)
    assert it.last.returncode == 1
    assert len(re.findall("^evt_", out, re.M)) == 2
    assert "event 2: /event" in it.last.stderr
    assert "OrderTicketed" in it.last.stderr


def test_lines_stand_alone_and_have_results_in_order(it):
    again = {**ticketed("S-4"), "id": "again"}
    text = "\n".join([json.dumps(again), "", json.dumps(again), "{\"event\":",
                      json.dumps({**again, "test": True, "event":
                                  "OrderCreated"})])
    out = it.run("send", "-", "--json", stdin=text, check=False)
    assert it.last.returncode == 1
    found = [json.loads(line) for line in out.splitlines()]
    assert [r["status"] for r in found] == [202, 200, 400, 409]
    assert found[0]["id"] == found[1]["id"]
    assert found[1]["duplicate"] is True
    assert found[3]["errors"][0]["pointer"] == "/id"


def test_one_event_may_take_many_lines(it):
    assert it.run("send", "-", stdin=json.dumps(
        ticketed("S-5"), indent=4)).startswith("evt_")
    it.fails("send", "-", stdin='{\n "event": "OrderTicketed",\n "order" 1\n}',
             says="line 3, column")


def test_a_malformed_array_keeps_nothing(it):
    before = it.lines("stats")[0]["events"]
    it.fails("send", "-", stdin="[" + json.dumps(ticketed("S-6")) + ", nope]",
             says="nothing was kept")
    assert it.lines("stats")[0]["events"] == before


# Showing

def test_each_kind_of_id_is_shown(it):
    for shown in (it.event, it.delivery, it.sub, it.client_id,
                  key_id(it, "publish")):
        as_json = it.run("show", shown, "--json")
        assert "\n" not in as_json
        assert json.loads(as_json)["id"] == shown
        for_people = it.run("show", shown)
        assert shown in for_people and len(for_people.splitlines()) > 3


def test_a_delivery_is_shown_with_its_attempts(it):
    out = it.run("show", it.delivery)
    assert "subscription  " + it.sub + "  To the back office" in out
    assert "Attempt 1" in out and "  > POST http://127.0.0.1:1/in" in out
    [attempt] = json.loads(it.run("show", it.delivery, "--json"))["log"]
    assert (attempt["number"], attempt["status"]) == (1, None)


def test_an_order_is_shown_on_one_line_as_it_was_sent(it):
    text = ('{"event": "OrderTicketed",\n "order": {"agwID": "W",\n'
            ' "big": 12345678901234567890123, "l": [ 1.50 ]\n}}')
    event = it.run("send", "-", stdin=text)
    out = it.run("show", event, "--json")
    assert "\n" not in out
    assert ('"order":{"agwID":"W","big":12345678901234567890123,'
            '"l":[1.50]}') in out


# Changing

def test_an_export_can_be_edited_and_given_back(it):
    before = it.run("subscription", "export", it.sub, "--with-secrets")
    task = json.loads(it.run("subscription", "export", it.sub))
    assert task["httpRequest"]["header"]["authorization"] == {"secret": True}
    it.run("subscription", "edit", it.sub, "--file", "-",
           stdin=json.dumps(task))
    assert it.run("subscription", "export", it.sub,
                  "--with-secrets") == before
    it.fails("subscription", "edit", it.sub, "--file", "-",
             stdin='{"event":["OrderTicketed"],"httpReqest":{}}',
             says="did you mean httpRequest?")


def test_what_makes_something_prints_its_id_alone(it):
    client = it.run("client", "add", "Passing", "--all")
    assert re.fullmatch("cli_[0-9a-z]+", client)
    sub = it.run("subscription", "add", "--client", client, "--file", "-",
                 stdin=json.dumps(TASK))
    assert re.fullmatch("sub_[0-9a-z]+", sub)
    made = json.loads(it.run("key", "add", "--client", client, "--json"))
    assert made["key"].startswith("client_")
    assert made["id"] in [k["id"] for k in it.lines("key", "list")]
    it.fails("client", "remove", client, says="1 subscription and 1 key")
    it.run("client", "remove", client, "--cascade")
    it.fails("client", "show", client, says="there is no client")
    it.fails("subscription", "show", sub, says="there is no subscription")
    assert made["id"] not in [k["id"] for k in it.lines("key", "list")]
    it.fails("client", "remove", client, says="there is no such client")


# Secrets

def test_secrets_are_in_no_output_that_does_not_promise_them(it):
    secret = it.run("secret", "show", it.sub)
    assert re.fullmatch("whsec_[A-Za-z0-9+/]{43}=", secret)
    exported = it.run("subscription", "export", it.sub, "--with-secrets")
    for s in SECRETS:
        assert s in exported
    hidden = SECRETS + (secret, secret[6:], it.key, it.client_key,
                        it.made["sweep_token"], it.made["password"])
    for args in (("client", "list"), ("subscription", "list"),
                 ("key", "list"), ("events",), ("deliveries",), ("stats",),
                 ("config",), ("verify",), ("subscription", "show", it.sub),
                 ("subscription", "export", it.sub), ("show", it.sub),
                 ("show", it.delivery), ("show", it.event),
                 ("show", it.client_id), ("show", key_id(it, "client")),
                 ("show", key_id(it, "publish")), ("sweep", "--once")):
        for more in ((), ("--json",)):
            out = it.run(*args, *more) + it.last.stderr
            for s in hidden:
                assert s not in out, (args, s)
    assert "visible" in it.run("subscription", "show", it.sub)


def test_secrets_are_in_no_file_of_the_store(it):
    secret = it.run("secret", "show", it.sub)
    hidden = SECRETS + (secret[6:], it.key, it.made["password"])
    for top, _, names in os.walk(it.dir("s/store")):
        for name in names:
            try:
                with open(os.path.join(top, name), "rb") as f:
                    held = f.read()
            except OSError:         # a socket
                continue
            for s in hidden:
                assert s.encode() not in held, (name, s)


def test_root_is_not_troubled_with_warnings(it):
    for args in (("stats",), ("events",), ("client", "list"), ("verify",)):
        it.run(*args)
        assert it.last.stderr == ""
