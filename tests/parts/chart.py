"""Lints and renders the chart over a folder of cases, and checks what comes out against the schemas of Kubernetes.

usage: chart.py BIN CHART CASES

A case is one JSON file: `why`, `values`, and what must come of them: `fails` (words of the refusal), or `kinds` (all kinds, sorted),
`holds` and `lacks` (texts of the rendered objects). Where ORDERHUB_BIN names the program, it reads the settings of each case, too.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Custom resources are no part of the schemas of Kubernetes.
CUSTOM = "ServiceMonitor"
# The version that is rendered for.
KUBERNETES = "1.36.3"


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def objects(text):
    return [part for part in re.split(r"^---\s*$", text, flags=re.M) if re.search(r"^kind: ", part, re.M)]


def settings(rendered):
    """The text of orderhub.toml, and the environment that stands beside it."""
    secret = next(one for one in objects(rendered) if re.search(r"^kind: Secret$", one, re.M))
    body = secret.split("orderhub.toml: |\n", 1)[1]
    lines = [line[4:] for line in body.splitlines()]
    env = dict(re.findall(r"- \{ name: (ORDERHUB__\w+), value: \"?([^\"}]*?)\"? \}", rendered))
    return "\n".join(lines), env


def program(binary, rendered, folder):
    text, env = settings(rendered)
    file = pathlib.Path(folder) / "orderhub.toml"
    file.write_text(text, encoding="utf-8")
    ran = run(binary, "config", "-c", str(file), env={**env, "PATH": os.environ["PATH"]})
    return ran.stderr if ran.returncode else ""


def check(bin_folder, chart, case, folder):
    helm = str(bin_folder / "helm")
    values = pathlib.Path(folder) / "values.json"
    values.write_text(json.dumps(case["values"]), encoding="utf-8")
    rendered = run(
        helm, "template", "hub", chart, "--namespace", "orders", "--kube-version", KUBERNETES, "-f", str(values)
    )
    if "fails" in case:
        if rendered.returncode == 0:
            return [f"is rendered, but must fail with `{case['fails']}`"]
        found = case["fails"] in " ".join(rendered.stderr.split())
        return [] if found else [f"fails with other words: {rendered.stderr.strip()}"]
    if rendered.returncode:
        return [f"is not rendered: {rendered.stderr.strip()}"]
    wrong = []
    lint = run(helm, "lint", chart, "--strict", "--kube-version", KUBERNETES, "-f", str(values))
    if lint.returncode:
        wrong.append(f"lint: {lint.stdout}{lint.stderr}")
    location = str(bin_folder / "schemas") + "/{{.ResourceKind}}{{.KindSuffix}}.json"
    conform = run(str(bin_folder / "kubeconform"), "-strict", "-skip", CUSTOM, "-schema-location", location, input=rendered.stdout)
    if conform.returncode:
        wrong.append(f"schema: {conform.stdout}{conform.stderr}")
    kinds = sorted(re.findall(r"^kind: (\w+)$", rendered.stdout, re.M))
    if kinds != case["kinds"]:
        wrong.append(f"kinds are {kinds}, not {case['kinds']}")
    text = " ".join(rendered.stdout.split())
    wrong += [f"lacks `{one}`" for one in case.get("holds", []) if one not in text]
    wrong += [f"holds `{one}`" for one in case.get("lacks", []) if one in text]
    binary = os.environ.get("ORDERHUB_BIN")
    # A program that knows no tokens refuses the chart's settings for them alone.
    if binary and run(binary, "token", "--help").returncode == 0:
        said = program(binary, rendered.stdout, folder)
        if said:
            wrong.append(f"the program does not take its settings: {said.strip()}")
    return wrong


def main(bin_folder, chart, cases):
    files = sorted(pathlib.Path(cases).glob("*.json"))
    if not files:
        sys.exit(f"{cases} holds no case")
    failed = 0
    for file in files:
        case = json.loads(file.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            wrong = check(pathlib.Path(bin_folder), chart, case, folder)
        failed += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok':<7}{file.stem}: {case['why']}")
        for one in wrong:
            print(f"       {one}")
    print(f"{len(files)} cases, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
