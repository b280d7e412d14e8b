#!/usr/bin/env python3
"""Writes a workload of the same rules whose events are made to be as costly as can be found.

    python3 craft.py OUT [FROM]

FROM is a folder of a workload (events.ndjson, rules-*.json, lists.json; default: the one that ships). From each of a dozen of its events
on, one value after another is replaced by whichever of many makes the most tests and rules of the largest set hold: values that rules
name, numbers beside their bounds, texts that hold as many of the patterns as fit. OUT takes the events, repeated, and the rules with
the totals that are right for them, computed here by plain evaluation.
"""
import ipaddress
import json
import lzma
import pathlib
import random
import re
import sys

EVENTS = 2_000
CRAFTED = 12
LONGEST = 180


def read(folder, name):
    path = folder / name
    if path.exists():
        return path.read_text()
    return lzma.open(folder / (name + ".xz"), "rt").read()


class Rules:
    """Rules, and what holds of an event."""

    def __init__(self, rules, lists):
        self.rules = rules
        self.nets = {name: [ipaddress.ip_network(net) for net in nets] for name, nets in lists.items()}
        self.within = {}
        self.expressions = {}

    def in_list(self, ip, name):
        if (ip, name) not in self.within:
            address = ipaddress.ip_address(ip)
            self.within[ip, name] = any(address in net for net in self.nets[name])
        return self.within[ip, name]

    def matches(self, text, pattern):
        if pattern not in self.expressions:
            self.expressions[pattern] = re.compile(pattern)
        return self.expressions[pattern].search(text) is not None

    def holds(self, expr, event):
        op = expr["op"]
        if op == "and":
            return all(self.holds(arg, event) for arg in expr["args"])
        if op == "or":
            return any(self.holds(arg, event) for arg in expr["args"])
        if op == "not":
            return not self.holds(expr["args"][0], event)
        found, value = event[expr["field"]], expr["value"]
        return {
            "eq": lambda: found == value,
            "ne": lambda: found != value,
            "in": lambda: found in value,
            "lt": lambda: found < value,
            "le": lambda: found <= value,
            "gt": lambda: found > value,
            "ge": lambda: found >= value,
            "contains": lambda: value in found,
            "starts_with": lambda: found.startswith(value),
            "ends_with": lambda: found.endswith(value),
            "matches": lambda: self.matches(found, value),
            "in_list": lambda: self.in_list(found, value),
            "is_true": lambda: found is True,
        }[op]()

    def tests(self, expr):
        if expr["op"] in ("and", "or", "not"):
            for arg in expr["args"]:
                yield from self.tests(arg)
        else:
            yield expr

    def score(self, event):
        """Rules that hold count more than tests that do."""
        return sum(
            3 * self.holds(rule["expr"], event) + 0.2 * sum(self.holds(test, event) for test in self.tests(rule["expr"]))
            for rule in self.rules
        )


def candidates(rules, events):
    """By field, values worth trying."""
    found = {field: {event[field] for event in events[:40]} for field in events[0]}
    texts = {}
    for rule in rules.rules:
        for test in rules.tests(rule["expr"]):
            field, op, value = test["field"], test["op"], test["value"]
            if op in ("eq", "ne"):
                found[field].add(value)
            elif op == "in":
                found[field].update(value)
            elif op in ("lt", "le", "gt", "ge"):
                step = 1 if isinstance(value, int) else 0.01
                found[field].update((value - step, value, value + step))
            elif op in ("contains", "starts_with", "ends_with"):
                texts.setdefault(field, {}).setdefault(op, set()).add(value)
    for field, patterns in texts.items():
        held = "".join(sorted(patterns.get("contains", ()), key=lambda text: (len(text), text)))[:LONGEST]
        for start in [*sorted(patterns.get("starts_with", ()))[:6], ""]:
            for end in [*sorted(patterns.get("ends_with", ()))[:6], ""]:
                found[field].update((start + held + end, start + end))
    return {field: sorted(values, key=str) for field, values in found.items()}


def craft(rules, events, tried, dice):
    event = dict(dice.choice(events))
    best = rules.score(event)
    fields = [field for field in event if tried[field] and field != "ts"]
    dice.shuffle(fields)
    for field in fields:
        for value in dice.sample(tried[field], min(12, len(tried[field]))):
            if field == "ip":
                value = str(dice.choice(rules.nets[dice.choice(sorted(rules.nets))])[0])
            other = {**event, field: value}
            score = rules.score(other)
            if score > best:
                best, event = score, other
    return event


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    here = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parent / "workload"
    events = [json.loads(line) for line in read(here, "events.ndjson").splitlines()]
    lists = json.loads(read(here, "lists.json"))
    names = sorted({path.name.removesuffix(".xz") for path in here.glob("rules-*.json*")}, key=lambda name: int(re.sub(r"\D", "", name)))
    sets = {name: json.loads(read(here, name)) for name in names}
    rules = Rules(sets[names[-1]][:1_000], lists)
    tried, dice = candidates(rules, events), random.Random(1)
    crafted = []
    for number in range(CRAFTED):
        crafted.append(craft(rules, events, tried, dice))
        held = sum(rules.holds(rule["expr"], crafted[-1]) for rule in rules.rules)
        print(f"event {number + 1} of {CRAFTED}: {held} rules hold", file=sys.stderr)
    repeated = [{**crafted[at % CRAFTED], "ts": events[0]["ts"] + at} for at in range(EVENTS)]
    out.mkdir(parents=True, exist_ok=True)
    (out / "events.ndjson").write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in repeated))
    (out / "lists.json").write_text(json.dumps(lists))
    for name, those in sets.items():
        all_rules = Rules(those, lists)
        times = [sum(1 for at in range(EVENTS) if at % CRAFTED == n) for n in range(CRAFTED)]
        for rule in those:
            rule["expected"] = sum(times[n] for n in range(CRAFTED) if all_rules.holds(rule["expr"], crafted[n]))
        (out / name).write_text(json.dumps(those))


main()
