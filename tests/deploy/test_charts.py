"""What the charts promise, over every values file in `deploy/helm/*/ci`."""

import json
import shutil
import subprocess

import pytest
import yaml

from charts import REGISTRY, RefusedByHelm, build, cases, documents, helm, pods, render
from gateway import SCIMGATE

VERSIONS = ["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]
MONITORING = ["--api-versions", "monitoring.coreos.com/v1"]


@pytest.fixture(scope="session")
def charts(tmp_path_factory):
    return build(tmp_path_factory.mktemp("charts"))


def name(case):
    return f"{case[0]}:{case[1] or 'values'}"


@pytest.fixture(scope="session")
def all_rendered(charts):
    def one(chart, values):
        arguments = ["-f", str(charts / values)] if values else []
        return render(charts / chart, "--kube-version", "1.33.0", *MONITORING, *arguments)

    return {name(case): one(*case) for case in cases()}


@pytest.fixture(scope="session", params=map(name, cases()))
def rendered(request, all_rendered):
    return all_rendered[request.param]


@pytest.mark.parametrize("chart", ["scimgate", "example-vendor", "scimgate-sidecar"])
def test_helm_lints_without_a_warning(charts, chart):
    helm("lint", "--strict", str(charts / chart))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_kubernetes_knows_every_field(all_rendered, version, tmp_path):
    # At once: most of the time goes into reading the version's schemas.
    for name, rendered in all_rendered.items():
        (tmp_path / f"{name.replace('/', '_')}.yaml").write_text(rendered)
    done = subprocess.run(
        ["kubernetes-validate", "--strict", "-k", version, *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# What a real API server refuses and the schemas let through.


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


def test_init_containers_have_probes_only_as_native_sidecars(rendered):
    for name, spec in pods(documents(rendered)):
        for container in spec.get("initContainers", []):
            lives_on = container.get("restartPolicy") == "Always"
            watched = {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"} & set(container)
            assert lives_on or not watched, f"{name}: {container['name']} has {watched}"


def test_pods_pass_the_restricted_standard(rendered):
    for name, spec in pods(documents(rendered)):
        pod = spec.get("securityContext", {})
        for container in containers(spec):
            own = {**pod, **container.get("securityContext", {})}
            where = f"{name}: {container['name']}"
            assert own.get("seccompProfile", {}).get("type") == "RuntimeDefault", where
            assert own.get("runAsNonRoot") is True, where
            assert own.get("runAsUser", 1) != 0, where
            assert own.get("allowPrivilegeEscalation") is False, where
            assert own.get("capabilities", {}).get("drop") == ["ALL"], where


def test_no_volume_is_of_the_host(rendered):
    for name, spec in pods(documents(rendered)):
        for volume in spec.get("volumes", []):
            assert "hostPath" not in volume, f"{name}: {volume['name']}"


def test_nothing_is_mounted_twice_at_one_place(rendered):
    for name, spec in pods(documents(rendered)):
        for container in containers(spec):
            places = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert len(places) == len(set(places)), f"{name}: {places}"


def test_port_names_are_short_enough_for_probes(rendered):
    for name, spec in pods(documents(rendered)):
        for container in containers(spec):
            for port in container.get("ports", []):
                assert len(port["name"]) <= 15, f"{name}: {port['name']}"


# What the gateway needs.


def test_every_mount_has_its_volume(rendered):
    for document in documents(rendered):
        claims = [
            claim["metadata"]["name"] for claim in document.get("spec", {}).get("volumeClaimTemplates", [])
        ]
        for name, spec in pods([document]):
            volumes = claims + [volume["name"] for volume in spec.get("volumes", [])]
            assert len(volumes) == len(set(volumes)), f"{name}: {volumes}"
            for container in containers(spec):
                for mount in container.get("volumeMounts", []):
                    assert mount["name"] in volumes, f"{name}: {mount['name']}"


def test_what_is_reloaded_is_mounted_as_a_directory(rendered):
    for name, spec in pods(documents(rendered)):
        for container in containers(spec):
            for mount in container.get("volumeMounts", []):
                assert "subPath" not in mount, f"{name}: {mount['mountPath']}"


def test_every_configmap_that_is_mounted_is_rendered_or_named_by_the_user(rendered):
    all_of_them = documents(rendered)
    made = {document["metadata"]["name"] for document in all_of_them if document["kind"] == "ConfigMap"}
    for name, spec in pods(all_of_them):
        for volume in spec.get("volumes", []):
            if "configMap" in volume and volume["name"].startswith("scimgate-"):
                assert volume["configMap"]["name"] in made, f"{name}: {volume}"


def test_the_gateway_takes_the_configuration_it_is_given(rendered, tmp_path):
    config_maps = [it for it in documents(rendered) if it["kind"] == "ConfigMap"]
    (text,) = [it["data"]["scimgate.json"] for it in config_maps if it["metadata"]["name"].endswith("-config")]
    path = tmp_path / "scimgate.json"
    path.write_text(text)
    done = subprocess.run([SCIMGATE, "-c", path, "config", "show"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--set", "replicaCount=2"], "SQLite has one writer"),
        (["--set", "autoscaling.enabled=true"], "SQLite has one writer"),
        (["--set", "store.type=postgres"], "name the Secret with its URL"),
        (["--set", "store.type=mysql"], "store.type"),
        (
            ["--set", "metrics.serviceMonitor.enabled=true", "--set", "metrics.podMonitor.enabled=true"],
            "scrape everything twice",
        ),
        (["--set", "image.registry="], "image.registry: name the registry"),
        (["--set", "ingress.enabled=true"], "name the host"),
        (["--set", "metrics.podMonitor.enabled=true"], "networkPolicy.monitoringNamespace"),
        (["--set", "fullnameOverride=" + "n" * 53], "longer than the 52 characters"),
        (["--set", "service.loadBalancerIP=203.0.113.7"], "only for service.type LoadBalancer"),
        (["--set", "service.nodePort=30080"], "for service.type NodePort"),
        (["--set", "config.server.public_url=https://h.example/gate"], "has the path /gate"),
        (
            [
                *["--set", "ingress.enabled=true", "--set", "ingress.hosts={a.example,b.example}"],
                *["--set", "config.server.public_url=https://c.example"],
            ],
            "names c.example, and routed are a.example, b.example",
        ),
        *[
            (["--set-json", "tenants=" + json.dumps({"acme": text})], "would lie readable in a ConfigMap")
            for text in [
                'credential = { key = { value = "k" } }',
                '[credential]\nkey = { value = "k" }',
                '[credential.key]\nvalue = "k"',
                'credential.key.value="k"',
                'credential = { key = { "value" = "k" } }',
                "credential = { key = { 'value' = 'k' } }",
                'credential.key."value"="k"',
                'credential = { user = { file = "x#y" }, key = { value = "k" } }',
                "credential = { user = { file = 'x#y' }, key = { value = 'k' } }",
            ]
        ],
        (["--set", "httpRoute.enabled=true"], "name the gateway"),
        (
            [
                "--set-json",
                'extraVolumeMounts=[{"name":"a","mountPath":"/etc/scimgate/tenants/a.toml","subPath":"a"}]',
            ],
            "subPath",
        ),
        (["--set", "scripts.desk\\.rhai=x"], "adapters and scripts go together"),
        (["--set", "tenants.Not_A_Name=x"], "is no tenant name"),
        (["--set", "config.server.listen=1.2.3.4:5"], "is set by the chart"),
        (["--set", "config.server.tls.key=/x"], "is set by the chart"),
        (["--set", "config.catalog.tenants=/x"], "is set by the chart"),
        (["--set", "config.store.path=/x"], "is set by the chart"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_work_is_refused(charts, arguments, words):
    # The schema has its own words for some of these; this is about the templates' guards.
    schema = charts / "scimgate" / "values.schema.json"
    kept = schema.read_bytes() if schema.exists() else None
    schema.unlink(missing_ok=True)
    try:
        with pytest.raises(RefusedByHelm, match=words):
            render(charts / "scimgate", *REGISTRY, *arguments)
    finally:
        if kept is not None:
            schema.write_bytes(kept)


def test_a_tenant_file_may_speak_of_values(charts):
    text = '''# No value = "k" here: it would be readable.
credential = { key = { file = "/etc/scimgate/secrets/acme/key" } } # and no value = "k" here
settings = { default_value = "1" }
'''
    rendered = render(charts / "scimgate", *REGISTRY, "--set-json", "tenants=" + json.dumps({"acme": text}))
    assert text in [document.get("data", {}).get("acme.toml") for document in documents(rendered)]


def test_replicas_read_url_and_pepper_from_one_secret(charts):
    secret = ["--set", "store.type=postgres", "--set", "store.postgres.existingSecret=db"]
    rendered = render(charts / "scimgate", *REGISTRY, *secret, "--set", "store.postgres.caKey=ca.crt")
    configs = [
        json.loads(document["data"]["scimgate.json"])
        for document in documents(rendered)
        if "scimgate.json" in document.get("data", {})
    ]
    assert [config["store"] for config in configs] == [
        {
            "path": "/var/lib/scimgate/scimgate.db",
            "pepper_file": "/etc/scimgate/postgres/pepper",
            "postgres_ca": "/etc/scimgate/postgres/ca.crt",
            "postgres_url_file": "/etc/scimgate/postgres/url",
        }
    ]


def test_a_sidecar_without_a_store_is_refused(charts):
    with pytest.raises(RefusedByHelm, match="a sidecar needs a store"):
        render(charts / "example-vendor", "--set", "scim.store.existingClaim=")


@pytest.mark.parametrize(
    "more, words",
    [
        (["--set", "replicaCount=2"], "replicaCount is 2, and SQLite has one writer"),
        (["--set", "autoscaling.enabled=true"], "autoscaling is enabled, and SQLite"),
    ],
)
def test_more_than_one_pod_with_a_sidecar_on_sqlite_is_refused(charts, more, words):
    with pytest.raises(RefusedByHelm, match=words):
        render(charts / "example-vendor", *more)
    postgres = ["--set", "scim.store.type=postgres", "--set", "scim.store.postgres.existingSecret=db"]
    render(charts / "example-vendor", *more, *postgres)


@pytest.mark.parametrize("alias", [None, "gateway", "scim"])
def test_a_sidecar_may_have_any_alias(charts, tmp_path, alias):
    shutil.copytree(charts, tmp_path / "helm")
    chart = tmp_path / "helm" / "example-vendor"
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    about["dependencies"][0].pop("alias")
    if alias:
        about["dependencies"][0]["alias"] = alias
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    values = yaml.safe_load((chart / "values.yaml").read_text())
    values[alias or "scimgate-sidecar"] = values.pop("scim")
    # Somebody else's values that look a little like ours.
    values |= {"redis": {"store": "x"}, "cache": {"store": {"postgres": "y"}}, "empty": None}
    (chart / "values.yaml").write_text(yaml.safe_dump(values))
    assert render(chart) == render(charts / "example-vendor")


def test_openshift_chooses_ids_itself(charts):
    def ids(*arguments):
        text = render(charts / "scimgate", *REGISTRY, "--set", "probe.existingSecret=t", *arguments)
        return [line.strip() for line in text.splitlines() if "runAsUser" in line or "fsGroup:" in line]

    openshift = ["--api-versions", "security.openshift.io/v1"]
    assert len(ids()) == 4
    assert ids(*openshift) == []
    assert set(ids(*openshift, "--set", "securityContext.runAsUser=7")) == {"runAsUser: 7"}


@pytest.mark.parametrize(
    "arguments, url",
    [
        ([], "http://r-scimgate.scim.svc:80/scim/v2"),
        (["--set", "tls.existingSecret=t"], "https://r-scimgate.scim.svc:443/scim/v2"),
        (["--set", "tls.existingSecret=t,service.port=8443"], "https://r-scimgate.scim.svc:8443/scim/v2"),
        (
            ["--set", "tls.existingSecret=t,config.server.public_url=https://scim.example.com"],
            "https://scim.example.com/scim/v2",
        ),
        (["--set", "config.server.public_url=https://scim.example.com"], "http://r-scimgate.scim.svc:80/scim/v2"),
    ],
)
def test_helm_test_asks_where_the_gateway_is(charts, arguments, url):
    rendered = render(charts / "scimgate", *REGISTRY, "--set", "probe.existingSecret=t", *arguments)
    (pod,) = [it for it in documents(rendered) if it["kind"] == "Pod"]
    assert pod["spec"]["containers"][0]["args"][1] == url


def test_the_pod_of_helm_test_has_the_common_labels_and_annotations(charts):
    common = ["--set", "commonLabels.team=identity", "--set", "commonAnnotations.owner=identity"]
    rendered = render(charts / "scimgate", *REGISTRY, "--set", "probe.existingSecret=t", *common)
    for document in documents(rendered):
        about = document["metadata"]
        assert about["labels"]["team"] == "identity", about
        assert about["annotations"]["owner"] == "identity", about


def test_the_gateway_reaches_https_and_no_metadata_service(charts):
    every = documents(render(charts / "scimgate", *REGISTRY))
    (policy,) = [it for it in every if it["kind"] == "NetworkPolicy"]
    dns, https = policy["spec"]["egress"]
    assert dns == {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    assert https["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert [it["ipBlock"] for it in https["to"]] == [
        {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]},
        {"cidr": "::/0", "except": ["fd00:ec2::254/128", "fe80::/10"]},
    ]


@pytest.mark.parametrize("arguments, port", [([], 80), (["--set", "tls.existingSecret=t"], 443)])
def test_the_port_of_the_service_is_that_of_its_protocol(charts, arguments, port):
    every = documents(render(charts / "scimgate", *REGISTRY, *arguments))
    services = [it["spec"] for it in every if it["kind"] == "Service"]
    (ports,) = [it["ports"] for it in services if it.get("clusterIP") != "None"]
    assert [it["port"] for it in ports if it["name"] == "scim"] == [port]


def test_nothing_of_the_chart_alone_changes_the_pods(rendered):
    for document in documents(rendered):
        if document["kind"] in ("Deployment", "StatefulSet"):
            labels = document["spec"]["template"]["metadata"]["labels"]
            assert "helm.sh/chart" not in labels, document["metadata"]["name"]


def test_every_object_has_the_recommended_labels(rendered):
    wanted = {"name", "instance", "version", "component", "part-of", "managed-by"}
    for document in documents(rendered):
        labels = document["metadata"].get("labels", {})
        if labels.get("app.kubernetes.io/name") == "scimgate":
            missing = {it for it in wanted if f"app.kubernetes.io/{it}" not in labels}
            assert not missing, f"{document['kind']}: {missing}"


def test_a_statefulset_has_its_headless_service(rendered):
    every = documents(rendered)
    services = {it["metadata"]["name"]: it for it in every if it["kind"] == "Service"}
    for document in every:
        if document["kind"] == "StatefulSet":
            assert services[document["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"


def test_the_versions_are_one(charts):
    versions = {
        yaml.safe_load((charts / chart / "Chart.yaml").read_text())["appVersion"]
        for chart in ("scimgate", "scimgate-sidecar")
    }
    rendered = [
        container["image"].rsplit(":", 1)[1]
        for chart, arguments in [("scimgate", REGISTRY), ("example-vendor", [])]
        for _, spec in pods(documents(render(charts / chart, *arguments)))
        for container in containers(spec)
        if container["name"] == "scimgate"
    ]
    program = subprocess.run([SCIMGATE, "--version"], capture_output=True, text=True).stdout.split()[1]
    assert versions | set(rendered) == {program}


def test_a_changed_tenant_restarts_nothing(charts):
    def pod(*arguments):
        return [spec for _, spec in pods(documents(render(charts / "scimgate", *REGISTRY, *arguments)))]

    assert pod() == pod("--set", "tenants.acme=x")


def test_changed_configuration_does(charts):
    def annotations(*arguments):
        for document in documents(render(charts / "scimgate", *REGISTRY, *arguments)):
            if document["kind"] == "StatefulSet":
                return document["spec"]["template"]["metadata"]["annotations"]

    assert annotations() != annotations("--set", "config.limits.burst=7")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--set", "replicaCont=2"], "Additional property replicaCont is not allowed"),
        (["--set", "store.tpye=sqlite"], "Additional property tpye is not allowed"),
        (["--set", "replicaCount=many"], "replicaCount: Invalid type"),
        (["--set", "service.port=123456"], "service.port: Must be less than or equal to 65535"),
        (["--set", "image.digest=latest"], "image.digest: Does not match pattern"),
        # What the gateway would refuse, by its own rules.
        (["--set", "config.limits.burst=0"], "config.limits.burst: Must be greater than or equal to 1"),
        (["--set", "config.limts.burst=1"], "Additional property limts is not allowed"),
        (["--set", "config.log.format=xml"], 'config.log.format must be one of the following: "json", "text"'),
        (["--set", "config.log.retention=5"], "config.log.retention: Invalid type"),
        (["--set", "config.server.body_limit=1GB"], "config.server.body_limit: Does not match pattern"),
        (["--set", "config.deadline.request_seconds=60"], "Must be less than or equal to 54"),
        (["--set", "config.server.listen=1.2.3.4:5"], "Additional property listen is not allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_schema_refuses_what_no_value_is(charts, arguments, words):
    with pytest.raises(RefusedByHelm, match=words):
        render(charts / "scimgate", *REGISTRY, *arguments)


def test_a_sidecars_values_are_judged_too(charts):
    with pytest.raises(RefusedByHelm, match="config.limits.burst: Must be greater"):
        render(charts / "example-vendor", "--set", "scim.config.limits.burst=0")
    with pytest.raises(RefusedByHelm, match="Additional property tennants is not allowed"):
        render(charts / "example-vendor", "--set", "scim.tennants.acme=x")


def test_what_only_the_gateway_has_may_be_set_beside_what_the_chart_sets(charts):
    values = ["--set", "config.catalog.watch=poll", "--set", "config.admin.listen=0.0.0.0:9091"]
    for document in documents(render(charts / "scimgate", *REGISTRY, *values)):
        if document["metadata"]["name"].endswith("-config"):
            config = json.loads(document["data"]["scimgate.json"])
    assert config["catalog"]["watch"] == "poll"
    assert config["catalog"]["tenants"] == "/etc/scimgate/tenants"
