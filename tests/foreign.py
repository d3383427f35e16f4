"""A cluster as somebody else's: a prepared namespace, an account with the printed rights, what it was seen to do."""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from stsconf.clusters import Cluster
from stsconf.clusters.rights import Right, role_manifests
from stsconf.kube.api import Api
from stsconf.waits import until

SECONDS = 120
"""How long a test waits for anything on a busy machine."""


@contextmanager
def space(api: Api, name: str, **labels: str) -> Iterator[str]:
    """A namespace, gone again afterwards."""
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    try:
        assert until(lambda: api.get("ServiceAccount", "default", name) is not None, SECONDS)
        yield name
    finally:
        api.delete("Namespace", name)
        assert until(lambda: api.get("Namespace", name) is None, SECONDS)


@contextmanager
def account(admin: Cluster, namespace: str, folder: Path, *, volumes: bool = False) -> Iterator[Path]:
    """A kubeconfig of a service account that has exactly the printed rights."""
    manifests = list(role_manifests(namespace, volumes=volumes))
    for manifest in manifests:
        admin.api.create(manifest)
    token = admin.api.request(
        "POST",
        f"api/v1/namespaces/{namespace}/serviceaccounts/stsconf/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}},
    )["status"]["token"]
    assert admin.kubeconfig
    config = yaml.safe_load(admin.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    path = folder / f"{namespace}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    try:
        yield path
    finally:
        for manifest in manifests:
            if manifest["kind"].startswith("Cluster"):
                admin.api.delete(manifest["kind"], manifest["metadata"]["name"])


def entries_of(audit_log: Iterable[str], user: str) -> list[dict[str, Any]]:
    """What the audit log says of one user's requests for resources."""
    return [e for e in map(json.loads, audit_log) if e["user"]["username"] == user and "objectRef" in e]


def right_of(entry: dict[str, Any]) -> Right:
    """The right that a request used."""
    target = entry["objectRef"]
    resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
    return Right(target.get("apiGroup", ""), resource, entry["verb"])


def outside(entries: Iterable[dict[str, Any]], namespace: str) -> list[dict[str, Any]]:
    """Writes that were denied, or that were not in the namespace; an access review stores nothing."""
    writes = [e for e in entries if e["verb"] not in ("get", "list", "watch")]
    return [
        e
        for e in writes
        if e["objectRef"]["resource"] != "selfsubjectaccessreviews"
        and (e["objectRef"].get("namespace") != namespace or e["responseStatus"]["code"] in (401, 403))
    ]


def telling(folder: Path, words: Iterable[str]) -> list[str]:
    """The files below a folder that contain one of the words, packed ones too; "FILE: WORD" for each."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        found += [f"{path.relative_to(folder)}: {word}" for word in words if word.encode() in text]
    return found
