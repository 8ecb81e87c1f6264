"""Writes a strict JSON Schema for each kind of Kubernetes, in the form that kubeconform reads.

usage: kubernetes_schemas.py SWAGGER OUT

SWAGGER is `api/openapi-spec/swagger.json` of the Go module `k8s.io/kubernetes`. A schema holds every definition that it needs.
"""
import json
import os
import sys

PREFIX = "#/definitions/"
EITHER = {"anyOf": [{"type": "string"}, {"type": "number"}]}


def tightened(node):
    """Without fields that nobody defines; numbers and texts that stand for one another are both taken."""
    if isinstance(node, list):
        return [tightened(one) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "int-or-string":
        return EITHER
    made = {k: tightened(v) for k, v in node.items() if k != "description" and not k.startswith("x-kubernetes")}
    if "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


def needed(node, all_of_them, found):
    """The names of all definitions that a node leads to."""
    if isinstance(node, dict):
        target = node.get("$ref")
        name = target[len(PREFIX):] if isinstance(target, str) and target.startswith(PREFIX) else None
        if name and name not in found:
            found.add(name)
            needed(all_of_them[name], all_of_them, found)
        for inner in node.values():
            needed(inner, all_of_them, found)
    elif isinstance(node, list):
        for inner in node:
            needed(inner, all_of_them, found)
    return found


def main(swagger, out):
    with open(swagger, encoding="utf-8") as file:
        raw = json.load(file)["definitions"]
    all_of_them = {name: tightened(node) for name, node in raw.items()}
    all_of_them["io.k8s.apimachinery.pkg.api.resource.Quantity"] = EITHER
    os.makedirs(out, exist_ok=True)
    for name, node in raw.items():
        kinds = node.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1 or "metadata" not in node.get("properties", {}):
            continue
        words = [kinds[0]["kind"], kinds[0]["group"].split(".")[0], kinds[0]["version"]]
        schema = dict(all_of_them[name])
        schema["definitions"] = {other: all_of_them[other] for other in needed(schema, all_of_them, set())}
        schema["required"] = sorted({"apiVersion", "kind", *schema.get("required", [])})
        path = os.path.join(out, "-".join(word.lower() for word in words if word) + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(schema, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
