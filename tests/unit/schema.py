"""Compares the rows of tests/unit/field-rows (on stdin) with the schema; run by schema.sh.

usage: schema.py FOLDER WHAT      prints what is wrong, one a line
"""
import json, os, sys

folder, what = sys.argv[1:]
platforms = ["solaris", "windows", "vm", "zos", "freebsd"]

def load(name):
    with open(os.path.join(folder, name)) as f:
        return json.load(f)

def resolve(node, name):
    """Follows $ref and allOf; returns the node and the file that its own refs are relative to."""
    while "$ref" in node:
        file, _, pointer = node["$ref"].partition("#")
        name = file or name
        node = load(name)
        for part in filter(None, pointer.split("/")):
            node = node[part]
    for part in node.get("allOf", []):
        sub, name = resolve(part, name)
        node = {**node, "type": "object",
                "properties": {**node.get("properties", {}), **sub.get("properties", {})},
                "required": node.get("required", []) + sub.get("required", [])}
    if "anyOf" in node:
        return resolve(node["anyOf"][0], name)
    return node, name

found = {}

def add(path, node, name, required):
    node, name = resolve(node, name)
    kind, values, below = node.get("type", "any"), node.get("enum", []), None
    if kind == "array":
        item, item_name = resolve(node["items"], name)
        kind, values = "array of " + item["type"], item.get("enum", [])
        below = (path + "[]", item, item_name)
    elif kind == "object" and "properties" not in node:
        item = node.get("additionalProperties") or next(iter(node["patternProperties"].values()))
        item, item_name = resolve(item, name)
        kind = "map of " + item["type"]
        below = (path + "{}", item, item_name)
    elif kind == "object":
        below = (path, node, name)
    found[path] = (kind, required, values)
    if below:
        walk(*below)

def walk(path, node, name):
    for key, value in node.get("properties", {}).items():
        at = path + "." + key if path else key
        if at in platforms:
            found[at] = ("any", False, [])
        else:
            add(at, value, name, key in node.get("required", []))

walk("", load("config-schema.json"), "config-schema.json")
rows = {}
for line in sys.stdin:
    path, support, kind, required, values, reason = line.rstrip("\n").split("\t")
    rows[path] = (support, kind, required == "required", values.split(","), reason)

both = [path for path in found if path in rows]
if what == "missing":
    bad = [path for path in found if path not in rows]
elif what == "invented":
    bad = [path for path in rows if path not in found]
elif what == "types":
    bad = [f"{p}: {found[p][0]}, row: {rows[p][1]}" for p in both
           if rows[p][1] not in ("any", found[p][0])]
elif what == "required":
    bad = [path for path in both if found[path][1] and not rows[path][2]]
elif what == "values":
    bad = [f"{p}: {v}" for p in both for v in found[p][2] if v not in rows[p][3]]
elif what == "reasons":
    bad = [path for path, row in rows.items() if (row[0] == "done") != (row[4] == "-")]
elif what == "platforms":
    bad = [path for path in platforms if rows[path][0] != "ignored"]
elif what == "schema":
    bad = [] if len(found) > 200 else [f"only {len(found)} properties"]
print("\n".join(bad))
