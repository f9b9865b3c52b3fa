#!/usr/bin/env python3
"""Python's json as second opinion on the scanner's verdicts.

    json_oracle.py JSON_CHECK DIRECTORY...

Runs the program JSON_CHECK over every file of the directories and compares:
accepted or refused, why refused, and for what is accepted the canonical form,
byte for byte, with one made here from python's parse.  Python's json takes
some things that a service must not; each is modelled below, none is skipped.
Prints a count, and ends with 1 if there is any difference or no file at all.
"""

import json
import pathlib
import re
import subprocess
import sys

DEPTH = 32
STRING = 256 * 1024
TOKENS = 1024 * 1024
NUMBER = 4096

# The scanner tells the first fault of a text.  Where python finds the text no
# JSON at all, one of the other kinds may well stand before that place.
SYNTAX = {"grammar", "utf8", "duplicate-key", "nul-character", "surrogate",
          "depth"}
LENGTH = {"string-length", "tokens", "number-length"}

STRING_RE = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
NUMBER_RE = re.compile(rb"-?[0-9][0-9.eE+-]*")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n",
           "\r": "\\r", "\t": "\\t"}


class Number(str):
    """A number as the characters it came in as."""


class Members(list):
    """An object's members in order, repeated ones kept."""


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number,
                      parse_constant=refuse_constant,
                      object_pairs_hook=Members)


def parts(value):
    """Every string, key and container in value, with the container's depth."""
    todo = [(value, 0)]
    while todo:
        value, depth = todo.pop()
        if isinstance(value, Members):
            yield value, depth + 1
            for key, item in value:
                yield key, depth
                todo.append((item, depth + 1))
        elif isinstance(value, list):
            yield value, depth + 1
            todo.extend((item, depth + 1) for item in value)
        elif isinstance(value, str) and not isinstance(value, Number):
            yield value, depth


def content_faults(value):
    """What the grammar allows and we do not, whatever its size."""
    faults = set()
    for part, depth in parts(value):
        if isinstance(part, str):
            if "\0" in part:
                faults.add("nul-character")
            if any("\ud800" <= c <= "\udfff" for c in part):
                faults.add("surrogate")
        elif depth > DEPTH:
            faults.add("depth")
        if isinstance(part, Members):
            keys = [key for key, _ in part]
            if len(set(keys)) < len(keys):
                faults.add("duplicate-key")
    return faults


def length_faults(data):
    """What is too long, in a text known to be JSON."""
    faults = set()
    strings = STRING_RE.findall(data)
    rest = STRING_RE.sub(b" ", data)
    numbers = NUMBER_RE.findall(rest)
    if any(len(s) > STRING for s in strings):
        faults.add("string-length")
    if any(len(n) > NUMBER for n in numbers):
        faults.add("number-length")
    words = len(re.findall(rb"true|false|null", rest))
    containers = rest.count(b"[") + rest.count(b"{")
    if len(strings) + len(numbers) + words + containers > TOKENS:
        faults.add("tokens")
    return faults


def quote(text):
    return '"' + "".join(
        ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c)
        for c in text) + '"'


def canonical(value):
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Members):
        members = sorted(value, key=lambda member: member[0].encode())
        return "{" + ",".join(
            quote(key) + ":" + canonical(item) for key, item in members) + "}"
    return "[" + ",".join(canonical(item) for item in value) + "]"


def unordered(value):
    """For comparing two parses: members in any order."""
    if isinstance(value, Members):
        return {key: unordered(item) for key, item in value}
    if isinstance(value, list):
        return [unordered(item) for item in value]
    return (type(value), value)


def expect(data):
    """The verdicts that are right, and the parse if "ok" is the one."""
    try:
        value = parse(data.decode("utf-8", "strict"))
    except (ValueError, RecursionError):
        # No UTF-8, no JSON, or hundreds deep.  Too many tokens end the scan
        # before the rest is seen; it takes as many bytes to have them.
        return SYNTAX | ({"tokens"} if len(data) > TOKENS else set()), None
    faults, lengths = content_faults(value), length_faults(data)
    if faults:
        return faults | (lengths & {"tokens"}), None
    if lengths:
        return lengths, None
    return {"ok"}, value


def compare(data, answer):
    """What is wrong with the scanner's answer, or None."""
    verdict, _, rest = answer.partition(b" ")
    verdict = verdict.decode()
    want, value = expect(data)
    if verdict not in want:
        return f"got {verdict}, want {' or '.join(sorted(want))}"
    if verdict != "ok":
        return None
    mine = canonical(value).encode()
    if rest != mine:
        return f"got canonical {rest!r}, want {mine!r}"
    if unordered(parse(rest.decode())) != unordered(value):
        return f"canonical {rest!r} is another value"
    return None


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    files = sorted(f for name in sys.argv[2:]
                   for f in pathlib.Path(name).iterdir() if f.is_file())
    done = subprocess.run([sys.argv[1]], stdout=subprocess.PIPE, check=True,
                          input=b"".join(bytes(f) + b"\n" for f in files))
    answers = done.stdout.split(b"\n")[:-1]
    if len(answers) != len(files):
        sys.exit(f"got {len(answers)} answers, want {len(files)}")
    accepted = bad = 0
    for file, answer in zip(files, answers):
        problem = compare(file.read_bytes(), answer)
        accepted += answer.startswith(b"ok ")
        if problem is not None:
            bad += 1
            print(f"{file}: {problem}")
    print(f"{len(files)} files, {accepted} accepted, {bad} differ")
    sys.exit(0 if files and bad == 0 else 1)


if __name__ == "__main__":
    main()
