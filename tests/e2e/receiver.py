#!/usr/bin/python3
"""A receiver of webhooks: prints what arrives and checks its signature.

Also an example of a correct receiver: the body is verified as the bytes that
came (Standard Webhooks 1.0.0), within five minutes of its timestamp, and what
was seen before by webhook-id would be ignored.
"""
import argparse
import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()


def matches(secret, signed, entry):
    """Is that entry of webhook-signature made by the secret?"""
    kind, _, text = entry.partition(",")
    if secret.startswith("whpk_"):
        if kind != "v1a":
            return False
        import nacl.exceptions          # python3-nacl; only for ed25519
        import nacl.signing
        try:
            nacl.signing.VerifyKey(base64.b64decode(secret[5:])).verify(
                signed, base64.b64decode(text))
        except (nacl.exceptions.CryptoError, ValueError):
            return False
        return True
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, signed, hashlib.sha256).digest()
    return kind == "v1" and hmac.compare_digest(
        text, base64.b64encode(mac).decode())


def verify(secret, headers, body, now=None):
    """The reason why a message is not genuine, or None."""
    msg_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit():
        return "no webhook-timestamp"
    if abs((now or time.time()) - int(timestamp)) > 300:
        return "its timestamp is more than five minutes off"
    signed = msg_id.encode() + b"." + timestamp.encode() + b"." + body
    # several while a secret is being replaced: one that matches is enough
    for entry in headers.get("webhook-signature", "").split():
        if matches(secret, signed, entry):
            return None
    return "no signature in webhook-signature matches"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    secret = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        lines = [f"--- {time.strftime('%H:%M:%S')} {self.command} {self.path}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.secret:
            fault = verify(self.secret, self.headers, body)
            lines.append(f"(signature: {fault or 'genuine'})")
        try:
            lines.append(json.dumps(json.loads(body), indent=2,
                                    ensure_ascii=False))
        except ValueError:
            lines.append(body.decode(errors="replace"))
        with lock:      # one message at a time, whole
            sys.stdout.write("\n".join(lines) + "\n\n")
            sys.stdout.flush()
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    do_PUT = do_PATCH = do_POST

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--secret", help="whsec_... or whpk_..., to check "
                   "signatures with")
    args = p.parse_args()
    Handler.secret = args.secret
    try:
        ThreadingHTTPServer(("127.0.0.1", args.port), Handler).serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
