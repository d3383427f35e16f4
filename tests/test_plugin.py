"""The pytest plugin, seen from outside: what it loads, what it refuses, what it needs no cluster for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf import suite_files
from tests import forked

SUITE = str(suite_files.conformance())


def run_pytest(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["pytest", "-p", "no:cacheprovider", *arguments]
    return forked.run(*command, cwd=cwd, env={**os.environ, "PYTEST_ADDOPTS": "", **environment})


def test_an_empty_project_loads_neither_the_engine_nor_a_kubernetes_client(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n"
        "    assert not {'kubernetes', 'rich'} & set(sys.modules)\n"
        "    ours = {name for name in sys.modules if 'stsconf' in name}\n"
        "    light = {'stsconf', *(f'stsconf.{name}' for name in ('options', 'errors', 'deadline'))}\n"
        "    assert ours == {*light, 'pytest_stsconf', 'pytest_stsconf.plugin'}\n"
    )
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_empty_project_gets_no_fixture_of_ours(tmp_path: Path) -> None:
    done = run_pytest("--fixtures", cwd=tmp_path)
    assert "sts_" not in done.stdout


def test_the_options_have_one_prefix_and_teach(tmp_path: Path) -> None:
    done = run_pytest("--help", cwd=tmp_path)
    section = done.stdout.split("StatefulSet conformance:")[1].split("\n\n")[0]
    assert "--sts-cluster={kind,existing,local}" in section
    assert "in namespaces of its own" in " ".join(section.split())


def test_collecting_needs_no_cluster_and_leaves_nothing(tmp_path: Path) -> None:
    done = run_pytest(SUITE, "--collect-only", "-q", cwd=tmp_path, ARTIFACTS=str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_creation.py::test_pods_are_created_in_ascending_order" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--sts-scenario=nope", "--sts-scenario: there is no scenario nope"),
        ("--sts-image=nope=x", "--sts-image: 'nope=x' is not KEY=REFERENCE"),
        ("--sts-deadline=banana", "--sts-deadline: 'banana' is not a duration (use 90, 90s, 10m or 2h)."),
        ("--sts-cluster=existing --sts-kubernetes=v1.34.0", "and --sts-cluster says existing."),
        ("--sts-registry-mirror=mirror.example:5000", "'mirror.example:5000' is not a registry (use http"),
        ("--sts-disruptive", "Use --sts-cluster=kind --sts-nodes=3."),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(option: str, sentence: str, tmp_path: Path) -> None:
    done = run_pytest(SUITE, *option.split(), cwd=tmp_path)
    assert done.returncode == 4, done.stdout
    assert sentence in done.stderr


def test_a_kubeconfig_that_does_not_exist_is_one_paragraph_and_a_usage_error(tmp_path: Path) -> None:
    missing = tmp_path / "kubeconfig"
    done = run_pytest(
        SUITE, "--sts-cluster=existing", f"--sts-kubeconfig={missing}", cwd=tmp_path, ARTIFACTS=str(tmp_path / "out")
    )
    assert done.returncode == 4, done.stdout
    assert "The kubeconfig cannot be used" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("server", "why"), [("127.0.0.1", "NewConnectionError"), ("no.invalid", "NameResolutionError")]
)
def test_a_server_that_does_not_answer_is_one_paragraph(server: str, why: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"http://{server}:1"}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    done = run_pytest(
        SUITE, "--sts-cluster=existing", f"--sts-kubeconfig={kubeconfig}", cwd=tmp_path, ARTIFACTS=str(tmp_path / "out")
    )
    assert done.returncode == 11, done.stdout
    assert f"connect: the API server http://{server}:1 does not answer ({why})" in done.stdout
    assert "Traceback" not in done.stdout
