#!/usr/bin/env python3
"""A second opinion on the bodies that JSON templates render to.

    body_oracle.py BODY_CHECK DIRECTORY...

Runs the program BODY_CHECK over every file of the directories (a jsonBody,
NUL, an order).  Each body must be JSON to python's json, with no constant that
is none and no key twice, and its values those that a small model of the
templates, written here from their description alone, makes of the same two
texts; a failure must be one the model has too.  What an order's legs give is
left to the unit tests: such a file is counted as not modelled.  Prints a count,
and ends with 1 if there is any difference or no file at all.
"""

import json
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import json_oracle  # noqa: E402

DERIVED = {"origin", "destination", "fullPath", "bookingType"}
BOOKING = {"OW": "One Way", "RT": "Round Trip", "MC": "Multicity"}
OURS = ("order.", "event.", "delivery.", "subscription.")
BLANK = " \t\n\r"

# One tag: {{{name}}}, or {{, at most one character that says what it is, name.
TAG = re.compile(r"\{\{(?:\{(?P<raw>.*?)\}\}\}|"
                 r"(?P<kind>[&#^/!=>]?)(?P<name>.*?)\}\})", re.DOTALL)
LINE_BEFORE = re.compile(r"(?:^|\n)([ \t]*)\Z")
LINE_AFTER = re.compile(r"[ \t]*(?:\r?\n|\Z)")


class NotModelled(Exception):
    """The model does not know."""


class Missing(Exception):
    """A value is missing, and that is not allowed."""


class Node:
    """A value of the order: what it is, and the text it was sent as."""

    def __init__(self, value, raw):
        self.value = value      # dict, list, str, Number, True, False, None
        self.raw = raw


class Reader:
    """Reads JSON known to be sound, and keeps each value's text."""

    SPACE = re.compile(r"[ \t\n\r]*")
    ATOM = re.compile(r"[^ \t\n\r,\]}]+")
    WORDS = {"null": None, "true": True, "false": False}

    def __init__(self, text):
        self.text = text
        self.at = 0

    def skip(self):
        self.at = self.SPACE.match(self.text, self.at).end()
        return self.text[self.at]

    def string(self):
        value, self.at = json.decoder.scanstring(self.text, self.at + 1)
        return value

    def items(self, close):
        self.at += 1
        while self.skip() != close:
            if self.text[self.at] == ",":
                self.at += 1
                self.skip()
            yield
        self.at += 1

    def value(self):
        first = self.skip()
        start = self.at
        if first == '"':
            value = self.string()
            return Node(value, self.text[start + 1:self.at - 1])
        if first == "[":
            value = [self.value() for _ in self.items("]")]
        elif first == "{":
            value = {}
            for _ in self.items("}"):
                key = self.string()
                self.skip()
                self.at += 1
                value[key] = self.value()
        else:
            word = self.ATOM.match(self.text, self.at).group()
            self.at += len(word)
            value = self.WORDS.get(word, json_oracle.Number(word))
        return Node(value, self.text[start:self.at])


NOTHING = Node(None, "null")
VARIABLES = {
    "event.type": "OrderTicketed", "event.id": "evt_1",
    "event.time": "2026-11-23T10:00:00Z", "delivery.id": "msg_1",
    "delivery.attempt": json_oracle.Number("2"),
    "subscription.name": "\"\\<&'>/?#=:@%{{pnr}} \u00f3",
}


def tag_of(text, kinds):
    """The name in a text that is one tag of such a kind alone, or None."""
    tag = TAG.match(text)
    if tag is None or tag.end() < len(text):
        return None
    raw = tag["raw"] is not None
    if ("{" if raw else tag["kind"]) not in tuple(kinds):
        return None
    return ((tag["raw"] if raw else tag["name"]).strip(BLANK),
            None if raw else tag["kind"])


def walk(node, path):
    for part in path:
        if isinstance(node.value, dict):
            node = node.value.get(part, NOTHING)
        elif isinstance(node.value, list):
            known = re.fullmatch("[0-9]{1,9}", part)
            if known is None or int(part) >= len(node.value):
                return NOTHING
            node = node.value[int(part)]
        else:
            return NOTHING
    return node


def is_true(node):
    return node.value not in (None, False) and node.value != []


class Section:
    """An open section: what may be asked of its item, and the item."""

    def __init__(self, asks, item=None):
        self.asks = asks        # "any", "leg" or None
        self.item = item


class Model:
    def __init__(self, order, fields, legs, strict):
        self.order = order
        self.fields = fields
        self.leg_fields = legs
        self.strict = strict
        self.open = []

    # -- names

    def may_be_of_an_item(self, name):
        if name == "order" or name.startswith(OURS):
            return False
        first = name.split(".")[0]
        return any(s.asks == "any" or
                   (s.asks == "leg" and first in self.leg_fields)
                   for s in self.open)

    def field(self, name):
        node = self.order.value.get(name, NOTHING)
        if name not in DERIVED:
            return node
        if node.value is None:
            if isinstance(self.order.value.get("legs", NOTHING).value, list):
                raise NotModelled
        elif name == "bookingType":
            if "\\" in node.raw:
                raise NotModelled
            if isinstance(node.value, str) and node.value in BOOKING:
                words = BOOKING[node.value]
                return Node(words, words)
        return node

    def resolve(self, name):
        if name == ".":
            return [s.item for s in self.open if s.item is not None][-1]
        path = name.split(".")
        if self.may_be_of_an_item(name):
            for section in reversed(self.open):
                item = section.item
                if item is not None and isinstance(item.value, dict) and \
                        path[0] in item.value:
                    return walk(item, path)
        if name in VARIABLES:
            value = VARIABLES[name]
            return Node(value, value)
        if path[0] == "order":
            return walk(self.order, path[1:])
        if name == "legs":
            return walk(self.order, path)
        return self.field(name) if name in self.fields else NOTHING

    def wanted(self, name):
        node = self.resolve(name)
        if node.value is None and self.strict:
            raise Missing(name)
        return node

    def section(self, name):
        """The section that opens on a name, and the items it has."""
        if name == "." or self.may_be_of_an_item(name):
            asks = "any"
        elif name == "legs":
            asks = "leg"
        elif name not in VARIABLES and name.split(".")[0] == "order":
            asks = "any"
        else:
            asks = None
        node = self.resolve(name)
        if not is_true(node):
            return asks, []
        return asks, node.value if isinstance(node.value, list) else [node]

    def inside(self, asks, item, render):
        self.open.append(Section(asks, item))
        result = render()
        self.open.pop()
        return result

    # -- strings

    def text(self, name):
        node = self.wanted(name)
        if node.value is None:
            return ""
        return node.value if isinstance(node.value, str) else node.raw

    def parts(self, text):
        """A string's text as a flat list of literals and tags."""
        at = 0
        for tag in TAG.finditer(text):
            start, end = tag.span()
            kind = tag["kind"] or ""
            if kind and kind in "#^/!":
                before = LINE_BEFORE.search(text[:start])
                after = LINE_AFTER.match(text, end)
                if before is not None and after is not None:
                    start, end = before.start(1), after.end()
            yield text[at:max(start, at)]
            raw = tag["raw"]
            yield (kind, (tag["name"] if raw is None else raw).strip(BLANK))
            at = end
        yield text[at:]

    def tree(self, parts):
        """Literals and names with, for a section, what it holds."""
        here = []
        for part in parts:
            if isinstance(part, str) or part[0] in ("", "&"):
                here.append(part)
            elif part[0] in "#^":
                here.append((*part, self.tree(parts)))
            elif part[0] == "/":
                return here
        return here

    def put(self, tree):
        out = ""
        for part in tree:
            if isinstance(part, str):
                out += part
            elif len(part) == 2:
                out += self.text(part[1])
            elif part[0] == "#":
                asks, items = self.section(part[1])
                for item in items:
                    out += self.inside(asks, item, lambda: self.put(part[2]))
            elif not is_true(self.resolve(part[1])):
                out += self.inside(None, None, lambda: self.put(part[2]))
        return out

    def string(self, text):
        return self.put(self.tree(self.parts(text)))

    # -- values

    def members(self, value):
        compared = any("{{" in key for key, _ in value)
        out = json_oracle.Members()
        for key, item in value:
            if compared:
                key = self.string(key)
            out.append((key, self.value(item)))
        return out

    def value(self, value):
        if isinstance(value, json_oracle.Members):
            tag = tag_of(value[0][0], "#^") if len(value) == 1 else None
            if tag is None:
                return self.members(value)
            name, kind = tag
            if kind == "#":
                asks, items = self.section(name)
                return [self.inside(asks, item,
                                    lambda: self.value(value[0][1]))
                        for item in items]
            if is_true(self.resolve(name)):
                return None
            return self.inside(None, None, lambda: self.value(value[0][1]))
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, str) and not isinstance(value,
                                                     json_oracle.Number):
            tag = tag_of(value, "{&")
            if tag is not None:
                return bare(self.wanted(tag[0]))
            return self.string(value) if "{{" in value else value
        return value


def bare(node):
    """A value of the order as json_oracle.parse would give it."""
    if isinstance(node.value, dict):
        return json_oracle.Members(
            (key, bare(item)) for key, item in node.value.items())
    if isinstance(node.value, list):
        return [bare(item) for item in node.value]
    return node.value


# What the program says of a body that it refuses to send.
REFUSED = {"duplicate-key": "has this key twice",
           "depth": "are nested more than 32 deep"}


def compare(made, body, model):
    """What is wrong with one rendering, or None."""
    is_body, text = made
    if not is_body and ("longer than" in text or "too long" in text):
        return None
    try:
        want = model.value(body)
    except Missing as name:
        if is_body:
            return f"rendered, but {name} is missing: {text!r}"
        return None if f"{name} is missing" in text else \
            f"got {text!r}, want {name} is missing"
    faults = json_oracle.content_faults(want)
    if not is_body:
        return None if any(REFUSED[fault] in text for fault in faults) else \
            f"got {text!r}, want {faults or 'a body'}"
    if faults:
        return f"rendered, but {faults}: {text!r}"
    try:
        value = json_oracle.parse(text)
    except (ValueError, RecursionError) as why:
        return f"no JSON ({why}): {text!r}"
    faults = json_oracle.content_faults(value)
    if faults:
        return f"{faults}: {text!r}"
    got, want = json_oracle.canonical(value), json_oracle.canonical(want)
    return None if got == want else f"got {got}, want {want}"


def judge(data, answer, catalog):
    """A list of what is wrong with the answer on one file."""
    body, nul, order = data.partition(b"\0")
    accepted, parsed = json_oracle.expect(order)
    if answer == "order":
        good = accepted == {"ok"} and isinstance(parsed, json_oracle.Members)
        return ["refused a sound order"] if nul and good else []
    if not nul or accepted != {"ok"}:
        return [f"took an order that is {accepted}"]
    accepted, parsed = json_oracle.expect(body)
    if answer == "template":
        return []
    if accepted != {"ok"}:
        return [f"took a template that is {accepted}"]
    node = Reader(order.decode()).value()
    fields = {f["name"] for f in catalog["fields"]}
    legs = {f["name"] for f in catalog["legs"]["fields"]}
    return [compare(made, parsed, Model(node, fields, legs, strict))
            for made, strict in zip(answer, (False, True))]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    source = pathlib.Path(__file__).resolve().parents[2]
    catalog = json.loads((source / "src/shape/catalog.json").read_text())
    files = sorted(f for name in sys.argv[2:]
                   for f in pathlib.Path(name).iterdir() if f.is_file())
    done = subprocess.run([sys.argv[1]], stdout=subprocess.PIPE, check=True,
                          input=b"".join(bytes(f) + b"\n" for f in files))
    answers = done.stdout.decode().split("\n")[:-1]
    if len(answers) != len(files):
        sys.exit(f"got {len(answers)} answers, want {len(files)}")
    bodies = unknown = bad = 0
    for file, answer in zip(files, map(json.loads, answers)):
        try:
            problems = judge(file.read_bytes(), answer, catalog)
        except NotModelled:
            unknown += 1
            continue
        bodies += not isinstance(answer, str) and answer[0][0]
        for problem in filter(None, problems):
            bad += 1
            print(f"{file}: {problem}")
    print(f"{len(files)} files, {bodies} bodies, {unknown} not modelled, "
          f"{bad} differ")
    sys.exit(0 if files and bad == 0 else 1)


if __name__ == "__main__":
    main()
