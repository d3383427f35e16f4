"""The command line, seen from outside."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stsconf.cli.main import main
from tests import forked
from tests.tape import Tape, created, write

FAULT = """
import sys
from stsconf import suite_files
from stsconf.cli import main as cli
suite_files.conformance = None
sys.exit(cli.main(sys.argv[1:]))
"""


def stsconf(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return forked.run("stsconf", *arguments, cwd=cwd, env={**os.environ, **environment})


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for word in ("run", "judge", "promises", "11 refused before acting"):
        assert word in text


def test_help_of_run_shows_the_same_options_as_pytest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--storage-class NAME" in text
    assert "in namespaces of its own" in text


def test_judging_twice_gives_the_same_verdicts_byte_for_byte(tmp_path: Path) -> None:
    recording = write(created(3).records, tmp_path / "run.ndjson")
    for out in ("one", "two"):
        main(["judge", str(recording), "--output-dir", str(tmp_path / out)])
    one, two = (json.loads((tmp_path / out / "verdict.json").read_text()) for out in ("one", "two"))
    assert json.dumps(one["promises"]) == json.dumps(two["promises"])
    assert one["counts"] == two["counts"]


def test_a_violation_ends_with_exit_code_1_and_says_what_was_seen(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0).volume(1).pod_created(1).pod_ready(0).close()
    done = stsconf("judge", str(write(tape.records, tmp_path / "run.ndjson")), cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "web-0 had never been Running and Ready" in " ".join(done.stdout.split())
    poor = stsconf("judge", "run.ndjson", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert poor.returncode == 1, poor.stderr
    assert poor.stdout.splitlines()[-1].endswith("Exit 1: a required promise is violated.")


def test_a_fault_of_ours_does_not_end_as_a_violated_promise(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", FAULT, "promises"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "TypeError" in done.stderr
    assert "a fault of stsconf, not of the cluster" in done.stderr


def test_a_reader_that_goes_away_is_not_told_that_all_is_well(tmp_path: Path) -> None:
    recording = write(created(3).records, tmp_path / "run.ndjson")
    read, written = os.pipe()
    os.close(read)
    process = forked.Process(["stsconf", "judge", str(recording)], cwd=tmp_path, stdout=written)
    os.close(written)
    _, said = process.communicate()
    assert (process.returncode, said) == (128 + signal.SIGPIPE, "")


def test_a_folder_without_a_recording_is_a_usage_error(tmp_path: Path) -> None:
    done = stsconf("judge", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 4
    assert "There is no recording" in done.stderr


def test_half_a_file_is_judged_as_far_as_it_goes_and_never_green(tmp_path: Path) -> None:
    whole = write(created(3).records, tmp_path / "run.ndjson").read_bytes()
    (tmp_path / "half.ndjson").write_bytes(whole[: len(whole) // 2])
    done = stsconf("judge", str(tmp_path / "half.ndjson"), cwd=tmp_path)
    assert done.returncode in (10, 1), done.stdout
    assert "has no seal" in " ".join(done.stdout.split())


def test_a_file_that_is_no_recording_is_an_error_of_ours_in_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text("hello\n")
    done = stsconf("judge", str(tmp_path / "x.ndjson"), cwd=tmp_path)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_promises_lists_ids_and_sentences(tmp_path: Path) -> None:
    done = stsconf("promises", cwd=tmp_path)
    assert done.returncode == 0
    assert "ORD-02  documented" in done.stdout


def test_rbac_prints_what_kubectl_can_apply_and_nothing_cluster_scoped_unless_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rbac", "--namespace", "sts-check"]) == 0
    manifests = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [m["kind"] for m in manifests] == ["ServiceAccount", "Role", "RoleBinding"]
    assert {m["metadata"]["namespace"] for m in manifests} == {"sts-check"}
    assert not any("*" in words for rule in manifests[1]["rules"] for words in rule.values())
    assert not any("secrets" in rule["resources"] for rule in manifests[1]["rules"])
    assert main(["rbac", "--namespace", "sts-check", "--with-volumes"]) == 0
    (role,) = [m for m in yaml.safe_load_all(capsys.readouterr().out) if m["kind"] == "ClusterRole"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_rbac_adds_a_job_that_runs_with_the_options_given_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rbac", "-n", "sts-check", "--job", "reg.example/stsconf", "--storage-class", "fast"]) == 0
    account, _, _, job = yaml.safe_load_all(capsys.readouterr().out)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (job["metadata"]["namespace"], container["image"]) == ("sts-check", "reg.example/stsconf")
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    assert container["args"][-4:] == ["--namespace", "sts-check", "--storage-class", "fast"]
    assert main(["rbac", "-n", "sts-check", "--storage-class", "fast"]) == 4


def test_images_lists_every_image_of_a_run_by_where_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images", "--image-prefix", "reg.example.com", "--image", "nginx_new=own:1"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines] == [
        ["nginx_old", "reg.example.com/library/nginx:1.26.3"],
        ["nginx_new", "own:1"],
    ]
