"""The checks of scripts/try-deploy, which brings the tools."""

import base64
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "kerberos-vault"
# The oldest that the chart takes, and the newest that there are schemas of.
KUBERNETES = ["1.30", "1.37"]
BINARY = os.environ.get("VAULT_BINARY")

failed, left_out, passed = [], set(), 0


def check(what, fine, why=""):
    global passed
    if fine:
        passed += 1
    else:
        failed.append(what)
        print(f"✗ {what}" + (f": {why}" if why else ""), file=sys.stderr)


def has(tool):
    if not shutil.which(tool):
        left_out.add(tool)
    return shutil.which(tool) is not None


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


# Prometheus' operator's own kinds are in no package of schemas: what we use of them, strictly.
def closed(required, **properties):
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


TEXT, MAP = {"type": "string", "minLength": 1}, {"type": "object", "additionalProperties": {"type": "string"}}
HEAD = {"apiVersion": TEXT, "kind": TEXT, "metadata": {"type": "object", "required": ["name"]}}
OPERATOR = {
    "ServiceMonitor": closed(["apiVersion", "kind", "metadata", "spec"], **HEAD, spec=closed(
        ["selector", "endpoints"], selector=closed([], matchLabels=MAP), endpoints={"type": "array", "minItems": 1, "items": closed(
            ["port"], port=TEXT, path=TEXT, interval={"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
            authorization=closed(["credentials"], type=TEXT, credentials=closed(["name", "key"], name=TEXT, key=TEXT)),
            relabelings={"type": "array", "items": closed(["targetLabel"], targetLabel=TEXT, replacement=TEXT)})})),
    "PrometheusRule": closed(["apiVersion", "kind", "metadata", "spec"], **HEAD, spec=closed(
        ["groups"], groups={"type": "array", "minItems": 1, "items": closed(["name", "rules"], name=TEXT, rules={
            "type": "array", "items": closed(["alert", "expr"], alert=TEXT, expr=TEXT, labels=MAP, annotations=MAP,
                                             **{"for": TEXT})})})),
}


def validated(what, text):
    """The objects of a manifest, each tried by the schema of its kind."""
    objects = [each for each in yaml.safe_load_all(text) if each]
    for each in objects:
        name = f"{what}: {each['kind']}"
        for version in KUBERNETES:
            try:
                if each["kind"] in OPERATOR:
                    jsonschema.validate(each, OPERATOR[each["kind"]])
                else:
                    kubernetes_validate.validate(each, version, strict=True)
                check(name, True)
            except (jsonschema.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                check(f"{name} for {version}", False, getattr(error, "message", error))
    return {each["kind"]: each for each in objects}


def known(what, environment, toml=None):
    """Whether our binary knows every setting; 2 is its word for a configuration that is wrong."""
    if not BINARY:
        left_out.add("kerberos-vault: set VAULT_BINARY")
        return
    with tempfile.TemporaryDirectory() as folder:
        # Only the configuration is of interest: what it would connect to is led to a port where nobody listens.
        nobody = lambda text: re.sub(r'"(minio|kafka):\d+"', '"127.0.0.1:1"', text)
        environment = {key: folder if value == "/data" else nobody(value) for key, value in environment.items()}
        environment["AWS_EC2_METADATA_DISABLED"] = "true"
        command = [BINARY, "check"]
        if toml:
            toml = toml.replace('kind = "s3"', 'kind = "s3"\nendpoint = "http://127.0.0.1:1"')
            file = pathlib.Path(folder, "vault.toml")
            file.write_text(toml)
            command += ["--config", file]
        try:
            done = run(*command, env=environment, cwd=folder, timeout=60)
            check(f"{what}: its settings", done.returncode in (0, 1), done.stdout + done.stderr)
        except subprocess.TimeoutExpired:
            check(f"{what}: its settings", True)  # a mistake in them would have ended it at once


STAND_INS = {
    "VAULT_DATABASE__URL": "postgres://vault:secret@127.0.0.1:1/vault",
    "VAULT_DATA__MASTER_KEY": base64.b64encode(bytes(32)).decode(),
}


def of_pod(objects):
    """The variables of a deployment's container, with stand-ins for secrets."""
    [container] = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value", STAND_INS.get(each["name"], "a-stand-in-for-a-secret")) for each in container["env"]}


def pod(what, objects, shutdown=30):
    """What every pod of ours must be."""
    spec = objects["Deployment"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    mine = container["securityContext"]
    check(f"{what}: not root", spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] > 0)
    check(f"{what}: nothing to gain", not mine["allowPrivilegeEscalation"] and mine["capabilities"]["drop"] == ["ALL"])
    check(f"{what}: root read-only", mine["readOnlyRootFilesystem"])
    check(f"{what}: seccomp", spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault")
    check(f"{what}: 256 MiB", container["resources"]["limits"]["memory"] == "256Mi")
    # preStop, running requests, BACKGROUND_STOP and CLOSING of server/src/run.rs
    stop = container["lifecycle"]["preStop"]["sleep"]["seconds"] + shutdown + sum(parts_of_stop())
    check(f"{what}: grace period", spec["terminationGracePeriodSeconds"] > stop, f"a stop may take {stop} s")
    probes = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    [port] = container["ports"]
    check(f"{what}: the image's port", f"{port['containerPort']}/tcp" in image()["ExposedPorts"])
    user = f"{spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}"
    as_the_image(what, of_pod(objects), user, [each["mountPath"] for each in container["volumeMounts"]])
    check(f"{what}: probes", probes == {"/api/health", "/api/health/ready"} and all(path in source() for path in probes))


def image():
    """The configuration of the image that `make dist` makes."""
    loader = importlib.machinery.SourceFileLoader("image", str(ROOT / "scripts/dist.d/image"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("image", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module.configuration("amd64", "0", "", "")["config"]


def as_the_image(what, environment, user, volumes):
    """What the image is made for is what is asked of it."""
    made = image()
    for each in made["Env"]:
        key, value = each.split("=", 1)
        # Of several addresses, the first is ours; the others are the original's.
        check(f"{what}: {key} as in the image", environment.get(key, value) in (value, value.split(",")[0]))
    check(f"{what}: the image's user", made["User"] == user)
    check(f"{what}: the image's volume", set(made["Volumes"]) <= set(volumes))


_source = None


def source():
    """The server's code, as one text."""
    global _source
    if _source is None:
        _source = "\n".join(file.read_text() for file in sorted((ROOT / "server" / "src").rglob("*.rs")))
    return _source


def parts_of_stop():
    found = re.findall(r"const (?:BACKGROUND_STOP|CLOSING): Duration = Duration::from_secs\((\d+)\)", source())
    check("server/src/run.rs says how long a stop takes", len(found) == 2)
    return [int(seconds) for seconds in found]


def helm():
    if not has("helm"):
        return
    def render(*arguments):
        return run("helm", "template", "vault", CHART, "--namespace", "cameras", "--kube-version", KUBERNETES[1] + ".0", *arguments)

    files = sorted((CHART / "ci").glob("*-values.yaml"))
    check("three values files or more", len(files) >= 3)
    for file in files:
        lint = run("helm", "lint", "--strict", "--kube-version", KUBERNETES[1] + ".0", CHART, "--values", file)
        check(f"helm lint of {file.name}", lint.returncode == 0, lint.stdout + lint.stderr)
        rendered = render("--values", file)
        check(f"helm template of {file.name}", rendered.returncode == 0, rendered.stderr)
        if rendered.returncode == 0:
            objects = validated(file.name, rendered.stdout)
            values = yaml.safe_load(file.read_text())
            pod(file.name, objects, values.get("shutdownTimeoutSeconds", 30))
            known(file.name, of_pod(objects), values.get("config"))
            several = objects["Deployment"]["spec"]["replicas"] > 1
            check(f"{file.name}: a PodDisruptionBudget with several only", ("PodDisruptionBudget" in objects) == several)
    postgres = ["--set", "database.existingSecret=d", "--set", "masterKey.existingSecret=m", "--set", "persistence.enabled=false"]
    for what, arguments in {
        "replicas: more than 1 needs PostgreSQL": ["--set", "replicas=2"],
        "masterKey.existingSecret: PostgreSQL needs it": ["--set", "database.existingSecret=d"],
        "persistence.enabled: SQLite needs it": ["--set", "persistence.enabled=false"],
        "persistence.enabled: must be false": [*postgres[:4], "--set", "replicas=2"],
        "config: without a volume": postgres,
        "choose one": ["--set", "config=a,existingConfigSecret=b"],
        "ingress.host: required": ["--set", "ingress.enabled=true"],
        "/metrics is closed": ["--set", "metrics.serviceMonitor.enabled=true"],
        "networkPolicy.from: required": ["--set", "networkPolicy.enabled=true"],
        "replica": ["--set", "replica=2"],
    }.items():
        refused = render(*arguments)
        check(f"refused: {what}", refused.returncode != 0 and what in refused.stderr, refused.stderr or "it was taken")


def kustomize():
    if not has("kustomize"):
        return
    for name in ("base", "postgres"):
        built = run("kustomize", "build", DEPLOY / "kubernetes" / name)
        check(f"kustomize build of {name}", built.returncode == 0, built.stderr)
        if built.returncode == 0:
            objects = validated(name, built.stdout)
            pod(name, objects)
            known(name, of_pod(objects))


def compose():
    if not has("docker-compose"):
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("compose.yaml", "compose-secrets"):
            shutil.copy(DEPLOY / name, folder)
        file = pathlib.Path(folder, "compose.yaml")
        without = run("docker-compose", "--file", file, "config", "--quiet")
        check("Compose without secrets says what to do", "run deploy/compose-secrets first" in without.stderr, without.stderr)
        made = run(pathlib.Path(folder, "compose-secrets"))
        secrets = pathlib.Path(folder, ".env")
        check("compose-secrets", made.returncode == 0 and secrets.stat().st_mode & 0o77 == 0, made.stderr)
        before = secrets.read_text()
        run(pathlib.Path(folder, "compose-secrets"))
        check("compose-secrets changes nothing the second time", secrets.read_text() == before)
        done = run("docker-compose", "--file", file, "config", "--format", "json")
        check("docker-compose config", done.returncode == 0, done.stderr)
        if done.returncode:
            return
        whole = json.loads(done.stdout)
        vault = whole["services"]["vault"]
        known("compose.yaml", vault["environment"])
        check("Compose: what it takes for a root that is read-only", not vault.get("configs"))
        json.loads(whole["configs"]["policy.json"]["content"])
        check("Compose: only this machine", [port["host_ip"] for port in vault["ports"]] == ["127.0.0.1"])
        check("Compose: nobody else is reachable from outside",
              not any("ports" in service for name, service in whole["services"].items() if name != "vault"))
        check("Compose: read-only, no privileges, not root", vault["read_only"] and vault["cap_drop"] == ["ALL"] and vault["user"] != "0")
        made = image()
        check("Compose: the image's port", {f"{port['target']}/tcp" for port in vault["ports"]} <= set(made["ExposedPorts"]))
        as_the_image("Compose", vault["environment"], vault["user"], [each["target"] for each in vault["volumes"]])
        check("Compose: the image's health check", vault["healthcheck"]["test"] == made["Healthcheck"]["Test"])
        check("Compose: grace period", vault["stop_grace_period"] == "1m0s" and 60 > 30 + sum(parts_of_stop()))
        documented = re.search(r"<<'JSON'\n(.*?)\nJSON", (ROOT / "docs/providers/minio.md").read_text(), re.S)
        check("Compose: the policy of docs/providers/minio.md",
              json.loads(documented[1]) == json.loads(whole["configs"]["policy.json"]["content"]))


def figures():
    """Every metric that alerts and dashboard name is one that the code counts."""
    counted = set(re.findall(r'(?:counter|gauge|histogram)!\(\s*"(\w+)"', source()))
    counted |= {name + suffix for name in re.findall(r'histogram!\(\s*"(\w+)"', source()) for suffix in ("_bucket", "_sum", "_count")}
    counted.add("up")
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    expressions = {f"dashboard, {panel['title']} {target['refId']}": target["expr"] for panel in dashboard["panels"] for target in panel["targets"]}
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())
    expressions |= {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    routes = set(re.findall(r'path = "(/[^"]*)"', source()))
    for what, expression in expressions.items():
        named = set(re.findall(r"(\w+)\{", expression))
        check(f"{what}: its metrics are there", named and named <= counted, f"{sorted(named - counted)}")
        for route in re.findall(r'route=~?"([^"]*)"', expression):
            check(f"{what}: its route is there", any(re.fullmatch(route, each) for each in routes), route)
    documented = set(re.findall(r"^\| `((?:http|vault)_\w+)", (ROOT / "docs/operations.md").read_text(), re.M))
    shown = " ".join(expression for what, expression in expressions.items() if what.startswith("dashboard"))
    missing = {name for name in documented if not re.search(rf"\b{name}(_bucket)?\b", shown)}
    check("the dashboard shows every metric of docs/operations.md", documented and not missing, str(missing))
    ids = [panel["id"] for panel in dashboard["panels"]]
    check("the dashboard's panels have ids of their own", len(ids) == len(set(ids)))
    if not has("promtool"):
        return
    folder = DEPLOY / "prometheus"
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"],
                    ["check", "config", "--syntax-only", "prometheus.yaml"]):
        done = run("promtool", *command, cwd=folder)
        check("promtool " + " ".join(command), done.returncode == 0, done.stdout + done.stderr)
    tested = (folder / "alerts.test.yaml").read_text()
    for group in rules["groups"]:
        for rule in group["rules"]:
            raised = re.search(rf"alertname: {rule['alert']}\n\s+exp_alerts", tested)
            check(f"{rule['alert']}: a test raises it", raised is not None)
    # As rules too, so that the dashboard's queries are read by who will read them.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        queries = [re.sub(r"\$\w+", "5m", expression) for what, expression in expressions.items() if what.startswith("dashboard")]
        records = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}, file)
        file.flush()
        done = run("promtool", "check", "rules", file.name)
        check("promtool reads the dashboard's queries", done.returncode == 0, done.stdout + done.stderr)


def systemd():
    unit = (DEPLOY / "systemd/kerberos-vault.service").read_text()
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)[1])
    check("systemd: TimeoutStopSec", stop > 30 + sum(parts_of_stop()))
    if not has("systemd-analyze"):
        return
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "kerberos-vault.service")
        file.write_text(unit.replace("/usr/local/bin/kerberos-vault", "/bin/true"))
        done = run("systemd-analyze", "verify", file)
        check("systemd-analyze verify", done.returncode == 0 and not done.stderr.strip(), done.stdout + done.stderr)
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", file)
        if "unrecognized option" in done.stderr:
            left_out.add("systemd-analyze security: this one is too old")
        else:
            check("systemd-analyze security, at most 2.0", done.returncode == 0, done.stdout[-300:] + done.stderr)


def dockerfile():
    """Whether Docker would make the image that we lay out."""
    text = (DEPLOY / "Dockerfile").read_text()
    told = dict(re.findall(r"^(USER|EXPOSE|VOLUME|STOPSIGNAL|ENV|ENTRYPOINT|HEALTHCHECK) (.*)$", text.rpartition("FROM scratch")[2], re.M))
    made = image()
    health = made["Healthcheck"]
    second = 1_000_000_000
    wanted = {
        "USER": made["User"], "EXPOSE": " ".join(each.removesuffix("/tcp") for each in made["ExposedPorts"]),
        "VOLUME": " ".join(made["Volumes"]), "STOPSIGNAL": made["StopSignal"], "ENV": " ".join(made["Env"]),
        "ENTRYPOINT": json.dumps(made["Entrypoint"]),
        "HEALTHCHECK": f"--interval={health['Interval'] // second}s --timeout={health['Timeout'] // second}s "
                       f"--start-period={health['StartPeriod'] // second}s --retries={health['Retries']} CMD {json.dumps(health['Test'][1:])}",
    }
    for key, value in wanted.items():
        check(f"Dockerfile: {key} as in the image", told.get(key) == value, f"{told.get(key)}, not {value}")


def versions():
    """One version, in whatever names an image, a chart or a file of a release."""
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    files = [DEPLOY / "compose.yaml", DEPLOY / "kubernetes/base/kustomization.yaml", CHART / "Chart.yaml", ROOT / "docs/install.md"]
    for file in files:
        told = re.findall(r"(?:vault:|newTag: |[vV]ersion: \"?|kerberos-vault[-_])(\d+\.\d+\.\d+)", file.read_text())
        check(f"{file.relative_to(ROOT)} is of {version}", told and set(told) == {version}, str(told))
    changes = (ROOT / "CHANGELOG.md").read_text()
    check(f"CHANGELOG.md tells of {version}", re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changes, re.M))


for part in (versions, helm, kustomize, compose, dockerfile, figures, systemd):
    part()
for each in sorted(left_out):
    print(f"! not tried, because it is missing: {each}", file=sys.stderr)
print(f"deploy: {passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
