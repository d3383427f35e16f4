"""What provider ``local`` decides before it starts anything, and what its provisioner answers."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from stsconf import suite_files
from stsconf.clusters import engine, local
from stsconf.clusters.certificates import Authority
from stsconf.clusters.local import PROGRAMS, Settings, find_programs
from stsconf.clusters.provisioner import volume_for
from stsconf.errors import PreflightRefused, UsageError


def programs(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_gates_are_read_or_refused() -> None:
    assert Settings.of(None, "A=true,B=false").feature_gates == "A=true,B=false"
    assert Settings.of(None, None) == Settings()
    for nonsense in ("A", "A=yes", "A=true;B=true", "=true", "A=true,"):
        with pytest.raises(ValueError, match="is not GATE=true"):
            Settings.of(None, nonsense)


def test_a_folder_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        find_programs(Settings(bin_dir=tmp_path / "no"), print)


def test_a_folder_with_everything_needs_nothing_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "airgap_command", lambda: None)
    found, facts = find_programs(Settings(bin_dir=programs(tmp_path, *PROGRAMS, "README")), print)
    assert found["etcd"] == str(tmp_path / "etcd")
    assert set(facts["exchanged_programs"]) == set(PROGRAMS)
    assert "gosum" not in facts


def test_programs_that_are_missing_and_cannot_be_built_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "airgap_command", lambda: None)
    with pytest.raises(PreflightRefused, match="Only a source checkout can build programs"):
        find_programs(Settings(bin_dir=programs(tmp_path, *PROGRAMS[1:])), print)


def test_a_build_that_is_refused_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "airgap_command", lambda: ["sh", "-c", "echo 'Go is missing' >&2; exit 11"])
    said: list[str] = []
    with pytest.raises(PreflightRefused, match=r"cannot be built here\. Go is missing"):
        find_programs(Settings(), said.append)
    assert said == ["local: Go is missing"]


def test_a_version_that_nobody_added_is_a_usage_error_that_lists_the_others() -> None:
    with pytest.raises(UsageError, match=r"Kubernetes v1\.2\.3: .*Name one of: .*kubernetes-v1\.34\.0"):
        find_programs(Settings(kubernetes="v1.2.3"), print)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"statefulset-conformance\[local\]"):
        find_programs(Settings(), print)


def test_certificates_are_what_kubernetes_reads_users_and_hosts_from(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = authority.issue("admin", "somebody", "system:masters")
    server = authority.issue("server", "server", hosts=("127.0.0.1", "localhost"))
    ssl.create_default_context(cafile=authority.certificate).load_cert_chain(client.certificate, client.key)
    subject = x509.load_pem_x509_certificate(client.certificate.read_bytes()).subject
    assert subject.rfc4514_string() == "CN=somebody,O=system:masters"
    names = x509.load_pem_x509_certificate(server.certificate.read_bytes()).extensions
    alternative = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in alternative] == ["127.0.0.1", "localhost"]


def test_a_kubeconfig_holds_no_secret(tmp_path: Path) -> None:
    path = Authority(tmp_path).kubeconfig("https://127.0.0.1:1", "admin", "somebody")
    assert "PRIVATE KEY" in (tmp_path / "admin.key").read_text()
    assert "PRIVATE" not in path.read_text()
    assert "key-data" not in path.read_text()


def test_a_volume_is_bound_to_the_uid_of_its_claim_and_lies_alone(tmp_path: Path) -> None:
    storage_class = suite_files.manifest("kwok/class.yaml")[0]

    def claim(uid: str) -> dict[str, object]:
        return {
            "metadata": {"namespace": "ns", "name": "www-web-0", "uid": uid, "resourceVersion": "7"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }

    one, other = (volume_for(claim(uid), storage_class, tmp_path) for uid in ("a", "b"))
    assert one["spec"]["claimRef"]["uid"] == "a"
    assert one["spec"]["capacity"] == {"storage": "1Gi"}
    assert one["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert one["spec"]["hostPath"]["path"] == f"{tmp_path}/ns-www-web-0-pvc-a"
    assert one["spec"]["hostPath"] != other["spec"]["hostPath"]
