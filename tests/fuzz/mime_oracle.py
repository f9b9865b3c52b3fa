#!/usr/bin/env python3
"""A second opinion on mails: what python's email package reads in them.

    mime_oracle.py MIME_CHECK DIRECTORY...

Runs the program MIME_CHECK over every file of the directories (a sender, NUL, a
recipient, NUL, a subject, NUL, a text).  Each message must be ASCII without a
defect, and give back the addresses, the sender's name, the subject and the text
that were put in, but for what src/shape/mime.h says of control characters, line
ends and what is no UTF-8.  A mail may be refused only for its addresses.
Prints a count, and ends with 1 if there is any difference or no file at all.
"""

import email
import email.header
import email.policy
import email.utils
import json
import pathlib
import re
import subprocess
import sys

LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){ATOM}(\.{ATOM})*@"
                     rf"(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*")
BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
NAMES = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
         "List-Unsubscribe", "Skycap-Event", "MIME-Version", "Content-Type",
         "Content-Transfer-Encoding"]
UNSUBSCRIBE = "<https://a.example/x%2C%3Cy%3E>"


def is_address(data):
    text = data.decode("latin-1")
    return len(text) <= 254 and ADDRESS.fullmatch(text) is not None


def sender(data):
    """The name and the address of a sender, or None."""
    data = data.strip(b" \t")
    if b"<" not in data:
        return ("", data.decode()) if is_address(data) else None
    name, _, address = data.rpartition(b"<")
    if not address.endswith(b">") or not is_address(address[:-1]):
        return None
    try:
        name = name.strip(b" \t").decode()
    except UnicodeDecodeError:
        return None
    if re.search("[\x00-\x1f\x7f<>]", name):
        return None
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, address[:-1].decode()


def replaced(data):
    """As UTF-8, one U+FFFD for each byte that is part of no character."""
    out, at = "", 0
    while at < len(data):
        for size in (1, 2, 3, 4):
            try:
                out += data[at:at + size].decode()
            except UnicodeDecodeError:
                continue
            at += size
            break
        else:
            out += "\ufffd"
            at += 1
    return out


def unfolded(value):
    return re.sub("\r\n(?=[ \t])", "", value)


def words(value):
    """A header's text, read by the plainer of python's two decoders."""
    parts = email.header.decode_header(unfolded(value))
    return "".join(part if isinstance(part, str) else part.decode(
        charset or "ascii") for part, charset in parts)


def raw(message, name):
    head = message.partition("\r\n\r\n")[0] + "\r\n"
    value = re.search(rf"^{name}:((?:.*\r\n)(?:[ \t].*\r\n)*)", head,
                      re.MULTILINE)[1]
    return value[:-2].removeprefix(" ")


def compare(message, name, address, to, subject, text):
    """What is wrong with a message."""
    read = email.message_from_string(message, policy=email.policy.default)
    plain = email.message_from_string(message)
    if read.keys() != NAMES:
        yield f"header {read.keys()}"
        return
    if read.defects:
        yield f"defects {read.defects}"
    want = BREAK.sub(" ", replaced(subject))
    # policy.default reads words of its own in what is none: a blank that is
    # odd, or text between encoded-words.  Its plainer brother has the bytes.
    if words(raw(message, "Subject")) != want:
        yield f"subject {words(raw(message, 'Subject'))!r}, want {want!r}"
    if read["Subject"] != want and want.isprintable():
        yield f"subject {read['Subject']!r}, want {want!r}"
    got = [(a.addr_spec, a.display_name) for a in read["From"].addresses]
    if [a for a, _ in got] != [address]:
        yield f"from {got}, want {address!r}"
    # policy.default keeps the fold between two words of a name
    said = words(email.utils.parseaddr(unfolded(raw(message, "From")))[0])
    if said != name:
        yield f"name {said!r}, want {name!r}"
    if [a.addr_spec for a in read["To"].addresses] != [to]:
        yield f"to {read['To']!r}, want {to!r}"
    if read["List-Unsubscribe"] != UNSUBSCRIBE:
        yield f"unsubscribe {read['List-Unsubscribe']!r}"
    want = re.sub(b"\r\n|\r|\n", b"\r\n", text)
    if want and not want.endswith(b"\r\n"):
        want += b"\r\n"
    got = plain.get_payload(decode=True)
    if got != want:
        yield f"text {got!r}, want {want!r}"
    try:
        want = want.decode()
    except UnicodeDecodeError:
        return
    if read.get_content() != want:
        yield f"content {read.get_content()!r}, want {want!r}"


def judge(data, message):
    """What is wrong with the answer on one file."""
    parts = data.split(b"\0", 3)
    good = len(parts) == 4 and sender(parts[0]) and is_address(parts[1])
    if message is None:
        return ["refused"] if good else []
    if not good:
        return ["taken, but its addresses are none"]
    return compare(message, *sender(parts[0]), parts[1].decode(), *parts[2:])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    files = sorted(f for name in sys.argv[2:]
                   for f in pathlib.Path(name).iterdir() if f.is_file())
    done = subprocess.run([sys.argv[1]], stdout=subprocess.PIPE, check=True,
                          input=b"".join(bytes(f) + b"\n" for f in files))
    answers = done.stdout.decode("ascii").split("\n")[:-1]
    if len(answers) != len(files):
        sys.exit(f"got {len(answers)} answers, want {len(files)}")
    mails = bad = 0
    for file, answer in zip(files, map(json.loads, answers)):
        mails += answer is not None
        for problem in judge(file.read_bytes(), answer):
            bad += 1
            print(f"{file}: {problem}")
    print(f"{len(files)} files, {mails} mails, {bad} differ")
    sys.exit(0 if files and mails and bad == 0 else 1)


if __name__ == "__main__":
    main()
