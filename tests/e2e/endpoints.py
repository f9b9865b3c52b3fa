"""Endpoints that misbehave, for the end-to-end tests.

A Raw hands each connection to a function of the test's, as a socket and how
many came before it; http(socket) reads one request off it.  Deaf listens and
never accepts.  Silent is a UDP port that hears and says nothing.  All of them
are on loopback and gone with close().
"""

import socket
import threading

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def http(s):
    """Read a request with its body; its bytes, or None at the end."""
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        if end:
            n = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    n = int(line.split(b":")[1])
            if len(body) >= n:
                return data
        more = s.recv(65536)
        if not more:
            return None
        data += more


class Raw:
    """behave(socket, n) has a connection; all it raises is its end."""

    def __init__(self, behave, address="127.0.0.1", port=0):
        self.behave = behave
        self.connections = 0
        self.open = set()
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(256)
        self.address, self.port = self.socket.getsockname()
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def url(self, scheme="http", host=None, path="/"):
        return f"{scheme}://{host or self.address}:{self.port}{path}"

    def _accept(self):
        while not self.ending.is_set():
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            s.settimeout(20)
            with self.lock:
                n = self.connections
                self.connections += 1
                self.open.add(s)
            threading.Thread(target=self._serve, args=(s, n),
                             daemon=True).start()

    def _serve(self, s, n):
        try:
            self.behave(s, n)
        except (OSError, ValueError):
            pass
        with self.lock:
            self.open.discard(s)
        s.close()

    def drip(self, s, data, pause_s):
        """Send byte by byte, until somebody has enough."""
        for b in data:
            s.sendall(bytes([b]))
            if self.ending.wait(pause_s):
                return

    def close(self):
        self.ending.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        with self.lock:
            for s in self.open:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass        # its other side has gone


class Deaf:
    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]

    def url(self, scheme="http", host="127.0.0.1", path="/"):
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self):
        self.socket.close()
