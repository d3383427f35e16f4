"""Which cluster is meant: files, contexts, plugins and service accounts, by kubectl's rules."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import Configuration
from kubernetes.config import incluster_config

from stsconf.errors import UsageError
from stsconf.kube import kubeconfig
from stsconf.kube.api import Api
from stsconf.run.config import Config


def write(path: Path, *names: str, current: str | None = None, user: Any = None, cluster: Any = None) -> Path:
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": n, "cluster": {"server": f"https://{path.stem}-{n}", **(cluster or {})}} for n in names],
        "users": [{"name": n, "user": user or {"token": f"token of {path.stem}-{n}"}} for n in names],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
    }
    path.write_text(yaml.safe_dump(content | ({"current-context": current} if current else {})))
    return path


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kubeconfig, "_terminal", lambda: False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def host(given: Path | None, context: str | None) -> str:
    return str(Api.from_kubeconfig(given, context).client.configuration.host)


def test_of_a_list_of_files_the_first_to_say_something_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = write(tmp_path / "one", "a", "b", current="b"), write(tmp_path / "other", "a", "c", current="c")
    listed = os.pathsep.join(map(str, (tmp_path / "missing", one, other)))
    monkeypatch.setenv("KUBECONFIG", listed)
    monkeypatch.setattr(kubeconfig, "_terminal", lambda: True)
    assert kubeconfig.choose(None, None) == "b"
    assert host(None, None) == "https://one-b"
    assert host(None, kubeconfig.choose(None, "a")) == "https://one-a"
    assert host(None, kubeconfig.choose(None, "c")) == "https://other-c"


def test_a_file_that_is_named_is_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "one", "a", current="a")))
    other = write(tmp_path / "other", "c")
    assert kubeconfig.choose(other, None) == "c"
    with pytest.raises(UsageError, match=r"There is no context a in the kubeconfig \(it has: c\)"):
        kubeconfig.choose(other, "a")


def test_an_empty_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / ".kube").mkdir(parents=True)
    write(tmp_path / "home" / ".kube" / "config", "mine", current="mine")
    monkeypatch.setenv("KUBECONFIG", "")
    assert host(None, kubeconfig.choose(None, None)) == "https://config-mine"


def test_of_several_contexts_one_must_be_named_where_nobody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "one", "a", "b", current="b")
    with pytest.raises(UsageError, match="2 contexts, and none was named"):
        kubeconfig.choose(path, None)
    assert kubeconfig.choose(path, "a") == "a"
    monkeypatch.setattr(kubeconfig, "_terminal", lambda: True)
    assert kubeconfig.choose(path, None) == "b"


@pytest.mark.parametrize("text", ["", "{}", "[1]", "a: b: c", "contexts: 3", "contexts: [{}]"])
def test_what_is_no_kubeconfig_is_one_paragraph(text: str, tmp_path: Path) -> None:
    (tmp_path / "odd").write_text(text)
    with pytest.raises(UsageError):
        kubeconfig.choose(tmp_path / "odd", None)


def test_without_any_kubeconfig_it_says_so() -> None:
    with pytest.raises(UsageError, match="No kubeconfig names a context to use"):
        kubeconfig.choose(None, None)


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "token").write_text("from the file")
    one = write(tmp_path / "folder" / "one", "a", user={"tokenFile": "token"})
    monkeypatch.setenv("KUBECONFIG", f"{write(tmp_path / 'other', 'b')}{os.pathsep}{one}")
    api = Api.from_kubeconfig(None, "a")
    assert api.wire.headers()["authorization"] == "Bearer from the file"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_plugin_is_asked_for_credentials_and_asked_again_when_they_expire(version: str, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    answer = {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "kind": "ExecCredential",
        "status": {"token": "@", "expirationTimestamp": "2020-01-01T00:00:00Z"},
    }
    plugin.write_text(
        f"#!{sys.executable}\nimport pathlib\ncount = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "asked = len(count.read_text()) if count.exists() else 0\ncount.write_text('.' * (asked + 1))\n"
        f"print({json.dumps(answer)!r}.replace('@', f'token {{asked}}'))\n"
    )
    plugin.chmod(0o755)
    user = {
        "exec": {
            "apiVersion": f"client.authentication.k8s.io/{version}",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    api = Api.from_kubeconfig(write(tmp_path / "one", "a", user=user), "a")
    first, second = (api.wire.headers()["authorization"] for _ in range(2))
    assert first.startswith("Bearer token ")
    assert second.startswith("Bearer token ")
    assert first != second


def test_in_a_pod_without_a_kubeconfig_its_service_account_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of the pod")
    (tmp_path / "ca").write_text("a certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert kubeconfig.choose(None, None) is None
    client = kubeconfig.client(None, None, Configuration(), None)
    assert client.configuration.host == "https://10.0.0.1:443"
    assert next(iter(client.configuration.auth_settings().values()))["value"].lower() == "bearer of the pod"


def test_who_is_impersonated_stands_in_every_request(tmp_path: Path) -> None:
    api = Api.from_kubeconfig(write(tmp_path / "one", "a"), "a", impersonate="jane")
    assert api.wire.headers()["Impersonate-User"] == "jane"


@pytest.mark.parametrize("option", ["as", "namespace", "image-prefix"])
def test_what_only_an_existing_cluster_has_is_refused_elsewhere(option: str) -> None:
    with pytest.raises(UsageError, match=f"^--{option}: applies only to provider existing, and --cluster says kind"):
        Config.from_options({"cluster": "kind", option: "x"})


def test_a_prefix_takes_the_place_of_the_registry_and_a_given_image_stays() -> None:
    config = Config.from_options(
        {"cluster": "existing", "image-prefix": "reg.example.com/mirror/", "image": "nginx_new=own:1"}
    )
    assert config.images == {"nginx_old": "reg.example.com/mirror/library/nginx:1.26.3", "nginx_new": "own:1"}
