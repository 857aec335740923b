"""Checks a JSON document (on stdin) against a schema of the specification; run by features.sh.

usage: validate.py FOLDER SCHEMA      prints what is wrong, one a line
Knows the words of JSON schema (draft 4) that these schemas use, and fails for any other.
"""
import json, os, re, sys

folder, schema_name = sys.argv[1:]
silent = ("$schema", "type", "description", "definitions", "title", "id")

def load(name):
    with open(os.path.join(folder, name)) as f:
        return json.load(f)

def is_type(value, name):
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
             "number": (int, float), "null": type(None)}
    return isinstance(value, types[name]) and (name == "boolean" or not isinstance(value, bool))

def follow(reference, name):
    file, _, pointer = reference.partition("#")
    name = file or name
    node = load(name)
    for part in filter(None, pointer.split("/")):
        node = node[part]
    return node, name

def check(value, node, name, at):
    if "$ref" in node:
        target, target_name = follow(node["$ref"], name)
        yield from check(value, target, target_name, at)
        return
    types = node.get("type", [])
    types = types if isinstance(types, list) else [types]
    if types and not any(is_type(value, name) for name in types):
        yield f"{at}: not of type {' or '.join(types)}: {value!r}"
        return
    for word, want in node.items():
        if word == "enum":
            if value not in want:
                yield f"{at}: not one of {want}: {value!r}"
        elif word == "pattern":
            if not re.search(want, value):
                yield f"{at}: does not match {want}: {value!r}"
        elif word == "required":
            yield from (f"{at}/{key}: is missing" for key in want if key not in value)
        elif word == "items":
            for i, element in enumerate(value):
                yield from check(element, want, name, f"{at}/{i}")
        elif word == "properties":
            for key in filter(value.__contains__, want):
                yield from check(value[key], want[key], name, f"{at}/{key}")
        elif word == "patternProperties":
            for pattern, below in want.items():
                for key in (key for key in value if re.search(pattern, key)):
                    yield from check(value[key], below, name, f"{at}/{key}")
        elif word == "additionalProperties":
            if isinstance(want, dict):
                for key in value:
                    yield from check(value[key], want, name, f"{at}/{key}")
        elif word == "minimum":
            if value < want:
                yield f"{at}: less than {want}: {value!r}"
        elif word == "maximum":
            if value > want:
                yield f"{at}: more than {want}: {value!r}"
        elif word == "allOf":
            for part in want:
                yield from check(value, part, name, at)
        elif word not in silent:
            yield f"{at}: the schema says {word}, which nobody here understands"

for problem in check(json.load(sys.stdin), load(schema_name), schema_name, ""):
    print(problem)
