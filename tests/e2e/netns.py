"""A network of its own, with a name server of the test's.

Net() is a pair of namespaces (mounts, network) that a sleeping process holds:
only loopback is in it, with the addresses that are added, and /etc/resolv.conf
names a server at 127.0.0.1:53 there.  net.here() is a context in which sockets
are made inside; net.command(...) is how to run a program inside.  NameServer
answers as a function of the name and of how often it was asked.  PERMITTED
says whether this machine lets us; WHY_NOT says why it does not.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import threading

import harness

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, SIOCSIFADDR = 0x8914, 0x8916
IFF_UP = 1


def why_not():
    for tool in ("unshare", "nsenter", "mount"):
        if shutil.which(tool) is None:
            return f"{tool} is missing"
    done = subprocess.run(["unshare", "--mount", "--net", "true"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return "namespaces are not permitted: " + done.stderr.strip()
    return ""


WHY_NOT = why_not()
PERMITTED = WHY_NOT == ""


class Net:
    def __init__(self, *addresses):
        self.dir = harness.Directory()
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--", "sh", "-c",
             'mount --bind "$0" /etc/resolv.conf && echo ready && '
             "exec sleep 600", self.dir.write("resolv.conf", (
                 "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n"))],
            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.names = []
        with self.here(), socket.socket(socket.AF_INET,
                                        socket.SOCK_DGRAM) as s:
            for i, address in enumerate(("127.0.0.1", *addresses)):
                name = b"lo" if i == 0 else f"lo:{i}".encode()
                fcntl.ioctl(s, SIOCSIFADDR, struct.pack(
                    "16sHH4s8x", name, socket.AF_INET, 0,
                    socket.inet_aton(address)))
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))

    @contextlib.contextmanager
    def here(self):
        """This thread's new sockets are inside; those made stay so."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as outside, \
                open(f"/proc/{self.holder.pid}/ns/net", "rb") as inside:
            assert libc.setns(inside.fileno(), CLONE_NEWNET) == 0
            try:
                yield
            finally:
                assert libc.setns(outside.fileno(), CLONE_NEWNET) == 0

    def command(self, *args):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "-n", "--", *args]

    def name_server(self, answer):
        with self.here():
            self.names.append(NameServer(answer))
        return self.names[-1]

    def close(self):
        for n in self.names:
            n.close()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        self.dir.remove()


class NameServer:
    """answer(name, n) is a list of IPv4 addresses, () if there is no such
    name, or None for never a word; n counts earlier questions for it."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if peer == self.socket.getsockname():
                return      # close()
            reply = self._reply(query)
            if reply is not None:
                self.socket.sendto(reply, peer)

    def _reply(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name = ".".join(labels).lower()
        question = query[12:at + 5]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        n = self.asked.get(name, 0)
        found = self.answer(name, n)
        if kind == 1:
            self.asked[name] = n + 1
        if found is None:
            return None
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) +
            socket.inet_aton(a) for a in found) if kind == 1 else b""
        return query[:2] + struct.pack(
            ">HHHHH", 0x8180 if found != () else 0x8183, 1,
            len(records) // 16, 0, 0) + question + records

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
