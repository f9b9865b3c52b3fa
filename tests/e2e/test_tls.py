"""Endpoints with TLS: which certificates are trusted, and what is said."""

import json
import shutil
import ssl
import subprocess
import time

import harness
import pytest
from endpoints import OK, Deaf, Raw, http
from service import ticketed

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is missing")

CONFIG = """
[ca]
default_ca = here
[here]
database = {dir}/{name}.index
serial = {dir}/{name}.serial
new_certs_dir = {dir}
certificate = {dir}/{name}.crt
private_key = {dir}/{name}.key
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


class Ca:
    """A certification authority in a directory, made by openssl."""

    def __init__(self, directory, name):
        self.dir, self.name = directory, name
        self.config = directory.write(f"{name}.cnf", CONFIG.format(
            dir=directory.path, name=name))
        directory.write(f"{name}.index", "")
        directory.write(f"{name}.serial", "01")
        self.file = self.signed_by_itself(name, "basicConstraints=CA:TRUE")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True,
                       stdin=subprocess.DEVNULL)

    def _key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", self.dir(f"{name}.key"),
                "-subj", f"/CN={name}")

    def signed_by_itself(self, name, extension):
        self.openssl("req", "-x509", *self._key(name), "-days", "30",
                     "-addext", extension, "-out", self.dir(f"{name}.crt"))
        return self.dir(f"{name}.crt")

    def issue(self, name, san="IP:127.0.0.1", start="20200101000000Z",
              end="20491231235959Z"):
        self.openssl("req", "-new", *self._key(name), "-addext",
                     f"subjectAltName={san}", "-out", self.dir(f"{name}.csr"))
        self.openssl("ca", "-batch", "-config", self.config, "-startdate",
                     start, "-enddate", end, "-notext", "-in",
                     self.dir(f"{name}.csr"), "-out", self.dir(f"{name}.crt"))
        return self.dir(f"{name}.crt")


def context(certificate):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(certificate, certificate.removesuffix("crt") + "key")
    return c


def answers(c, again=True):
    """Over TLS; with again, one connection after another request."""
    def behave(s, n):
        with c.wrap_socket(s, server_side=True) as t:
            while http(t) is not None:
                t.sendall(OK)
                if not again:
                    http(t)     # and is gone without a word
                    return
    return behave


def old(c):
    c.minimum_version = c.maximum_version = ssl.TLSVersion.TLSv1_1
    c.set_ciphers("ALL:@SECLEVEL=0")
    return c


def http2(c):
    c.set_alpn_protocols(["h2"])
    return c


@pytest.fixture
def endpoint():
    started = []

    def start(behave):
        started.append(Raw(behave))
        return started[-1]

    yield start
    for r in started:
        r.close()


def log(s, sub):
    d = [d for d in s.deliveries() if d["subscription"] == sub]
    assert len(d) == 1
    return d[0], json.loads(s.run("show", d[0]["id"], "--json"))["log"]


@needs_openssl
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_what_is_trusted_and_meant_is_delivered_to(
        service, endpoint, directory):
    ca, foreign = Ca(directory, "ca"), Ca(directory, "foreign")
    good = context(ca.issue("good"))
    deaf = Deaf()
    cases = [
        ("trusted", answers(good), "ok", "200"),
        ("expired", answers(context(ca.issue(
            "expired", end="20200102000000Z"))), "tls", "has expired"),
        ("of tomorrow", answers(context(ca.issue(
            "future", start="20490101000000Z"))), "tls", "not valid yet"),
        ("foreign", answers(context(foreign.issue("foreigner"))), "tls",
         "not trusted here"),
        ("of another host", answers(context(ca.issue(
            "other", san="DNS:other.test,IP:127.0.0.2"))), "tls",
         "another name"),
        ("signed by itself", answers(context(ca.signed_by_itself(
            "self", "subjectAltName=IP:127.0.0.1"))), "tls", "by itself"),
        ("TLS 1.1", answers(old(context(ca.dir("good.crt")))), "tls",
         "No agreement on TLS"),
        ("closed at once", lambda s, n: None, "tls", "No agreement on TLS"),
        ("closed within", lambda s, n: s.sendall(b"\x16\x03\x03\x40\0\x02"),
         "tls", "No agreement on TLS"),
        ("no TLS", lambda s, n: s.sendall(b"220 Welcome\r\n"), "tls",
         "No agreement on TLS"),
    ]
    s = service(f"[tls]\nca = {ca.file}\n").start()
    client, want = s.client(), {}
    for what, behave, *expected in cases:
        want[s.subscribe(endpoint(behave).url("https"), client, timeout_s=5,
                         retry_s=[])] = (what, *expected)
    for what, url in (("endless", deaf.url("https")),
                      ("slow", endpoint(lambda s, n: time.sleep(9)).url(
                          "https"))):
        want[s.subscribe(url, client, timeout_s=2, retry_s=[])] = (
            what, "timeout", "agreeing on TLS")
    s.post(ticketed())
    harness.wait_for("every message has its end", lambda: len([
        d for d in s.deliveries() if d["state"] in ("dead", "delivered")]) ==
        len(want), 20)
    faults = []
    for sub, (what, word, sentence) in want.items():
        delivery, attempts = log(s, sub)
        a = attempts[0]
        if len(attempts) != 1 or a["word"] != word or \
                sentence not in a["sentence"] or \
                delivery["state"] != ("delivered" if word == "ok" else "dead"):
            faults.append((what, delivery["state"], a["word"], a["sentence"]))
    assert faults == [], "\n".join(map(str, faults))
    deaf.close()


@needs_openssl
def test_a_kept_tls_connection_is_used_again_and_replaced_when_closed(
        service, endpoint, directory):
    ca = Ca(directory, "ca")
    c = context(ca.issue("good"))
    kept, closing = endpoint(answers(c)), endpoint(answers(c, again=False))
    s = service(f"[tls]\nca = {ca.file}\n").start()
    client = s.client()
    for e in (kept, closing):
        s.subscribe(e.url("https"), client, retry_s=[], concurrency=1)
    for i in range(3):
        s.post(ticketed(f"A-{i}"))
        harness.wait_for("both are delivered", lambda: [
            d["state"] for d in s.deliveries()] ==
            ["delivered"] * (2 * i + 2))
    assert (kept.connections, closing.connections) == (1, 3)
    assert {d["attempts"] for d in s.deliveries()} == {1}


def test_a_list_of_issuers_that_is_not_there_is_said_at_once(service):
    s = service("[tls]\nca = /nowhere/ca.pem\n")
    s.run("sweep", "--once", check=False)
    assert s.last.returncode != 0
    assert "[tls] ca /nowhere/ca.pem" in s.last.stderr
