"""What is sent is signed by every secret that signs, and by no other.

Each signature is verified by three that know nothing of Skycap: Python's hmac,
PyNaCl and the openssl command.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import subprocess
import tempfile
import threading
import time

import harness
import nacl.exceptions
import nacl.signing
import pytest
from receiver import verify
from service import ticketed

WHSEC = re.compile("whsec_[A-Za-z0-9+/]{43}=")
WHPK = re.compile("whpk_[A-Za-z0-9+/]{43}=")

# The worked examples of the Standard Webhooks reference libraries.
EXAMPLE = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature":
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7A"
        "ZdpXwVLPo3mNl8EM+m7TBAg==",
}
EXAMPLE_BODY = b'{"test": 2432232314}'
EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE_PAIR = ("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMK"
                "kioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
EXAMPLE_PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def by_python(key, signed, signature):
    kind, text = signature
    if kind == "v1":
        return hmac.compare_digest(
            hmac.new(key, signed, hashlib.sha256).digest(), text)
    try:
        nacl.signing.VerifyKey(key).verify(signed, text)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


def by_openssl(key, signed, signature):
    kind, text = signature
    if kind == "v1":
        return subprocess.run(
            ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt",
             f"hexkey:{key.hex()}", "-binary"], input=signed,
            capture_output=True, check=True).stdout == text
    with tempfile.TemporaryDirectory() as d:
        path = {name: os.path.join(d, name) for name in ("key", "in", "sig")}
        for name, what in (("in", signed), ("sig", text),
                           # RFC 8410: the public key after its algorithm
                           ("key", bytes.fromhex("302a300506032b6570032100")
                            + key)):
            with open(path[name], "wb") as f:
                f.write(what)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform",
             "DER", "-inkey", path["key"], "-in", path["in"], "-sigfile",
             path["sig"]], capture_output=True, text=True, check=False)
        said = "Verified Successfully" in done.stdout
        assert said or "Verification Failure" in done.stdout, done
        return said


def entries(headers):
    for entry in headers["webhook-signature"].split(" "):
        kind, text = entry.split(",")
        yield kind, base64.b64decode(text, validate=True)


def signers(secrets, headers, body):
    """Which of the secrets made each entry, in order; both ways agree."""
    signed = (headers["webhook-id"] + "." + headers["webhook-timestamp"] +
              ".").encode() + body
    found = []
    for kind, text in entries(headers):
        for i, secret in enumerate(secrets):
            prefix, key = secret.split("_", 1)
            if (prefix == "whpk") != (kind == "v1a"):
                continue
            case = base64.b64decode(key), signed, (kind, text)
            ours = by_python(*case)
            assert ours == by_openssl(*case), (secret, kind)
            if ours:
                found.append(i)
                break
        else:
            found.append(None)
    return found


def test_the_worked_examples_are_what_is_checked():
    secrets = [EXAMPLE_SECRET, EXAMPLE_PUBLIC]
    assert signers(secrets, EXAMPLE, EXAMPLE_BODY) == [0, 1]
    assert signers(secrets, EXAMPLE, EXAMPLE_BODY + b" ") == [None, None]
    for secret in secrets:
        assert verify(secret, EXAMPLE, EXAMPLE_BODY, 1614265330) is None
        assert verify(secret, EXAMPLE, b"{}", 1614265330) is not None


class It:
    """A service that is up, with a subscription and its receiver."""

    def __init__(self, service, receiver):
        self.s, self.r = service().start(), receiver()
        self.sub = self.s.subscribe(self.r.url())
        self.n = 0
        self.secrets = [self.show()]

    def show(self, *args):
        return self.s.run("secret", "show", self.sub, *args)

    def rotate(self, *args, stdin=None):
        """Its last place in self.secrets is that of what it printed."""
        said = self.s.run("secret", "rotate", self.sub, *args, stdin=stdin)
        self.secrets.append(said)
        return said

    def all(self):
        """What `show --all` says, the times as seconds since 1970."""
        rows = [json.loads(line) for line in
                self.show("--all", "--json").splitlines()]
        for row in rows:
            for name in ("since", "until"):
                if row[name] is not None:
                    row[name] = datetime.datetime.fromisoformat(
                        row[name].replace("Z", "+00:00")).timestamp()
        return rows

    def signed_by(self):
        """The secrets, by their place, that sign a message sent now."""
        self.n += 1
        assert self.s.post(ticketed(f"A-{self.n}")).status == 202
        got = self.r.wait(self.n)[-1]
        assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60
        found = signers(self.secrets, got.headers, got.body)
        assert signers(self.secrets, got.headers, got.body + b" ") == \
            [None] * len(found)
        stamp = str(int(got.headers["webhook-timestamp"]) + 1)
        assert signers(self.secrets, {
            **got.headers, "webhook-timestamp": stamp}, got.body) == \
            [None] * len(found)
        for i in found:
            assert verify(self.secrets[i], got.headers, got.body) is None
        return found


@pytest.fixture
def it(service, receiver):
    return It(service, receiver)


def test_after_a_rotation_the_old_and_the_new_secret_verify(it):
    assert it.signed_by() == [0]
    assert WHSEC.fullmatch(it.rotate())
    assert it.secrets[1] != it.secrets[0]
    assert "the older one signs, too, until " in it.s.last.stderr
    assert it.show() == it.secrets[1]
    assert it.signed_by() == [1, 0]
    new, old = it.all()
    assert (new["kind"], new["secret"]) == ("v1", it.secrets[1])
    assert (old["kind"], old["secret"]) == ("v1", it.secrets[0])
    assert new["until"] is None
    assert old["until"] - new["since"] == pytest.approx(24 * 3600)
    assert old["since"] < new["since"] < time.time() + 1
    it.rotate("--overlap", "1d12h")
    assert "2 older ones sign, too" in it.s.last.stderr
    assert it.signed_by() == [2, 1, 0]
    ends = [row["until"] for row in it.all()]
    assert ends[2] == old["until"]          # the sooner one holds
    assert ends[1] - it.all()[0]["since"] == pytest.approx(36 * 3600)


def test_after_an_overlap_of_nothing_only_the_new_one_verifies(it):
    it.rotate()
    it.rotate("--overlap", "0")
    assert "it alone signs from now on" in it.s.last.stderr
    assert it.signed_by() == [2]
    assert [row["secret"] for row in it.all()] == [it.secrets[2]]


def test_a_short_overlap_ends_without_anybody_doing_anything(it):
    it.rotate("--overlap", "3s")
    ends = it.all()[1]["until"]
    if time.time() < ends - 2:              # unless the machine is this slow
        assert it.signed_by() == [1, 0]
    harness.wait_for("it has ended", lambda: time.time() > ends)
    assert it.signed_by() == [1]
    assert len(it.all()) == 1


def test_both_kinds_sign_while_one_takes_over_from_the_other(it):
    assert WHPK.fullmatch(it.rotate("--ed25519"))
    assert it.show() == it.secrets[1]
    assert it.signed_by() == [1, 0]
    kinds = [kind for kind, _ in entries(it.r.got[-1].headers)]
    assert kinds == ["v1a", "v1"]
    assert [row["kind"] for row in it.all()] == ["v1a", "v1"]
    assert it.all()[0]["publicKey"] == it.secrets[1]
    assert "secret" not in it.all()[0]
    it.rotate("--ed25519", "--overlap", "2d")
    assert it.signed_by() == [2, 1, 0]
    assert WHSEC.fullmatch(it.rotate())
    assert it.signed_by() == [3, 2, 1, 0]
    it.rotate("--overlap", "0")
    assert it.signed_by() == [4]
    assert [kind for kind, _ in entries(it.r.got[-1].headers)] == ["v1"]


def test_eight_of_the_longest_kind_sign_and_a_ninth_is_refused(it):
    for _ in range(7):
        it.rotate("--ed25519")
    assert it.signed_by() == [7, 6, 5, 4, 3, 2, 1, 0]
    ends = json.loads(it.show("--all", "--json").splitlines()[-1])["until"]
    it.s.run("secret", "rotate", it.sub, check=False)
    assert it.s.last.returncode == 1 and it.s.last.stdout == ""
    assert "8 secrets sign already" in it.s.last.stderr
    assert ends in it.s.last.stderr
    assert it.signed_by() == [7, 6, 5, 4, 3, 2, 1, 0]
    it.rotate("--ed25519", "--overlap", "0")
    assert it.signed_by() == [8]


def test_a_secret_of_the_clients_own_signs(it):
    file = it.s.dir.write("secret", EXAMPLE_SECRET + "\n")
    assert it.rotate("--from", file) == EXAMPLE_SECRET
    assert it.rotate("--from", "-", stdin=f"  {EXAMPLE_PAIR}\r\n") == \
        EXAMPLE_PUBLIC
    assert it.signed_by() == [2, 1, 0]
    # one that signs already becomes the newest
    it.s.run("secret", "rotate", it.sub, "--from", "-", "--overlap", "1h",
             stdin=EXAMPLE_SECRET)
    assert it.signed_by() == [1, 2, 0]
    it.s.run("secret", "rotate", it.sub, "--from", "-", "--overlap", "0",
             stdin=it.show())
    assert it.signed_by() == [1]


def test_a_retry_is_signed_by_what_signs_then(service, receiver):
    s, turned = service().start(), threading.Event()
    r = receiver(lambda n, got: 204 if turned.is_set() else 500)
    sub = s.subscribe(r.url(), retry_s=[1] * 30)
    secrets = [s.run("secret", "show", sub)]
    assert s.post(ticketed()).status == 202
    first = r.wait(1)[0]
    secrets.append(s.run("secret", "rotate", sub))
    harness.wait_for("a retry by both", lambda: signers(
        secrets, r.got[-1].headers, r.got[-1].body) == [1, 0])
    secrets.append(s.run("secret", "rotate", sub, "--overlap", "0",
                         "--ed25519"))
    harness.wait_for("a retry by the last alone", lambda: signers(
        secrets, r.got[-1].headers, r.got[-1].body) == [2])
    turned.set()
    harness.wait_for("it is delivered", lambda: [
        d["state"] for d in s.deliveries()] == ["delivered"])
    assert {g.headers["webhook-id"] for g in r.got} == \
        {first.headers["webhook-id"]}
    assert {g.body for g in r.got} == {first.body}
    assert signers(secrets, first.headers, first.body) == [0]


def test_a_preview_is_signed_as_a_message_would_be(it):
    it.rotate("--ed25519")
    shown = json.loads(it.s.run("preview", it.sub, "--json"))
    headers = {h["name"].lower(): h["value"] for h in shown["headers"]}
    assert signers(it.secrets, headers, shown["body"].encode()) == [1, 0]


def test_an_export_moves_kinds_and_ends_to_another_store(it, service):
    it.rotate("--ed25519")
    it.rotate("--overlap", "2h")
    client = it.s.lines("subscription", "list")[0]["client"]
    masked = it.s.run("client", "export", client)
    for word in ("whsec_", "whsk_", "whpk_"):
        assert word not in masked
    for secret in it.secrets:
        assert secret.split("_")[1] not in masked
    whole = it.s.run("client", "export", client, "--with-secrets")
    there = service()
    made = json.loads(there.run("client", "import", "-", "--json",
                                stdin=whole))
    sub = made["subscriptions"][0]
    rows = there.lines("secret", "show", sub, "--all")
    assert [row.get("secret") or row["publicKey"] for row in rows] == \
        it.secrets[::-1]
    assert [row["until"] for row in rows] == \
        [row["until"] for row in it.s.lines("secret", "show", it.sub,
                                            "--all")]
    assert there.run("client", "export", made["id"], "--with-secrets") == whole
    shown = json.loads(there.run("preview", sub, "--json"))
    headers = {h["name"].lower(): h["value"] for h in shown["headers"]}
    assert signers(it.secrets, headers, shown["body"].encode()) == [2, 1, 0]


def test_the_private_key_is_in_no_output_but_a_whole_export(it):
    it.rotate("--from", "-", stdin=EXAMPLE_PAIR)
    it.signed_by()
    seed = base64.b64decode(EXAMPLE_PAIR[5:])[:32]
    hidden = EXAMPLE_PAIR[5:45]
    for args in (("secret", "show", it.sub), ("secret", "show", it.sub,
                 "--all"), ("secret", "show", it.sub, "--all", "--json"),
                 ("preview", it.sub, "--with-secrets"),
                 ("subscription", "show", it.sub),
                 ("subscription", "export", it.sub, "--with-secrets"),
                 ("show", it.r.got[0].headers["webhook-id"])):
        out = it.s.run(*args) + it.s.last.stderr
        assert hidden not in out and "whsk_" not in out, args
    for top, _, names in os.walk(it.s.dir("s/store")):
        for name in names:
            path = os.path.join(top, name)
            if not os.path.isfile(path):
                continue                    # a socket
            with open(path, "rb") as f:
                text = f.read()
            assert seed not in text and hidden.encode() not in text, name


def test_what_rotate_prints_as_json(it):
    row = json.loads(it.s.run("secret", "rotate", it.sub, "--json"))
    assert row["secret"] == it.show()
    assert (row["kind"], row["until"], row["older"]) == ("v1", None, 1)
    assert row["olderUntil"] == json.loads(
        it.show("--all", "--json").splitlines()[1])["until"]
    row = json.loads(it.s.run("secret", "rotate", it.sub, "--json",
                              "--ed25519", "--overlap", "0"))
    assert row["publicKey"] == it.show()
    assert (row["kind"], row["older"], row["olderUntil"]) == ("v1a", 0, None)
    assert json.loads(it.show("--json"))["publicKey"] == row["publicKey"]
    table = it.show("--all").splitlines()
    assert table[0].split() == ["KIND", "SINCE", "UNTIL", "SECRET"]
    assert table[1].split()[0] == "v1a"
    assert table[1].split()[-2:] == ["-", row["publicKey"]]


WRONG = [
    (("--overlap", "8d"), None, 2, "from 0 to 7d"),
    (("--overlap", "7d1s"), None, 2, "from 0 to 7d"),
    (("--overlap", "24"), None, 2, "from 0 to 7d"),
    (("--overlap", "-1h"), None, 2, "from 0 to 7d"),
    (("--overlap", ""), None, 2, "from 0 to 7d"),
    (("--overlap", "1h "), None, 2, "from 0 to 7d"),
    (("--overlap", "h"), None, 2, "from 0 to 7d"),
    (("--overlap", "9223372036854775807d"), None, 2, "from 0 to 7d"),
    (("--overlap", "99999999999999999999s"), None, 2, "from 0 to 7d"),
    (("--ed2559",), None, 2, "did you mean --ed25519?"),
    (("--from", "/no/such/file"), None, 1, "/no/such/file: "),
    (("--from", "-"), "", 1, "-: a secret is whsec_"),
    (("--from", "-"), "whsec_short", 1, "-: a secret is whsec_"),
    (("--from", "-"), "A" * 2000, 1, "more than 1024 bytes"),
    (("--from", "-"), EXAMPLE_PUBLIC, 1, "that is a public key"),
    (("--from", "-"), EXAMPLE_PAIR[:-8] + "AAAAAA==", 1,
     "-: a secret is whsec_"),
    (("--from", "-", "--ed25519"), EXAMPLE_SECRET, 1, "for ed25519"),
]


def test_what_is_wrong_is_said_and_nothing_is_rotated(service):
    s = service()
    sub = s.subscribe("http://127.0.0.1:9/")
    before = s.run("secret", "show", sub, "--all")
    for args, stdin, status, says in WRONG:
        s.run("secret", "rotate", sub, *args, stdin=stdin, check=False)
        assert (s.last.returncode, s.last.stdout) == (status, ""), args
        assert says in s.last.stderr, s.last.stderr
        if stdin:
            assert stdin[:40] not in s.last.stderr
    assert s.run("secret", "show", sub, "--all") == before


def test_the_longest_overlap_and_sums_of_units_are_taken(service):
    s = service()
    sub = s.subscribe("http://127.0.0.1:9/")
    for given, seconds in (("7d", 7 * 86400), ("6d24h", 7 * 86400),
                           ("90m", 5400), ("1h30m10s", 5410), ("0d", 0)):
        row = json.loads(s.run("secret", "rotate", sub, "--json",
                               "--overlap", given))
        if seconds == 0:
            assert row["older"] == 0
            continue
        since, until = (datetime.datetime.fromisoformat(
            row[name].replace("Z", "+00:00")).timestamp()
            for name in ("since", "olderUntil"))
        assert until - since == pytest.approx(seconds), given


def test_rotations_at_once_all_take_place(service):
    s = service()
    sub = s.subscribe("http://127.0.0.1:9/")
    made = [None] * 6

    def rotate(i):
        made[i] = subprocess.run(
            [harness.built("skycap"), "secret", "rotate", sub], text=True,
            capture_output=True, env=s.env, check=True,
            timeout=60).stdout.strip()

    threads = [threading.Thread(target=rotate, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    shown = [row["secret"] for row in s.lines("secret", "show", sub, "--all")]
    assert len(shown) == 7
    assert set(made) == set(shown[:6])
