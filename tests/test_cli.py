"""The command line, seen from outside."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stsconf.cli.main import COMMANDS, main
from stsconf.options import GROUPS
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


PATHS = {
    "judge": ["judge", "none"],
    "judge a run": ["judge", "recording", "--output-dir", "file/out"],
    "verify": ["verify", "none"],
    "compare": ["compare", "none", "none"],
    "gate --baseline": ["gate", "--baseline", "none", "--from", "recording"],
    "gate --accepted": ["gate", "--save-baseline", "new", "--accepted", "none", "--from", "recording"],
    "gate --from": ["gate", "--save-baseline", "new", "--from", "none"],
    "run": ["run", "--cluster", "local", "--output-dir", "file/out"],
    "record": ["record", "-n", "shop", "--kubeconfig", "none"],
    "snapshot": ["snapshot", "-A", "-o", "file/new", "--kubeconfig", "none"],
    "clean": ["clean", "--kubeconfig", "none"],
}


@pytest.mark.parametrize("given", PATHS.values(), ids=PATHS)
def test_a_path_that_cannot_be_used_is_a_usage_error_in_one_sentence(given: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{")
    write(created(3).records, tmp_path / "recording")
    done = forked.run("stsconf", *given, cwd=tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert any(name in done.stdout + done.stderr for name in ("none", "file"))


def commands() -> list[str]:
    return [command.__name__.rsplit(".", 1)[1] for command in COMMANDS]


@pytest.mark.parametrize("command", ["", *commands()])
def test_words_that_no_command_knows_are_a_usage_error(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    known = {"run": "--cluster=moon", "gate": "--cluster=moon"}  # the others of theirs are pytest's
    assert main([*filter(None, [command]), known.get(command, "--no-such-option")]) == 4
    said = capsys.readouterr().err
    assert said.startswith("stsconf: ")
    assert "--sts-" not in said


@pytest.mark.parametrize("command", commands())
def test_help_of_every_command_explains_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert f"usage: stsconf {command}" in text
    assert "--sts-" not in text


def test_help_of_run_is_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    text = capsys.readouterr().out
    places = [text.index(f"\n{title}:\n") for title in GROUPS.values()]
    assert places == sorted(places)
    assert text.index("\n  --context ") > text.index(f"\n{GROUPS['existing']}:")


def test_an_abbreviation_of_one_of_our_options_is_left_to_pytest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", "x", "--output=y"]) == 4
    assert "--output=y" in capsys.readouterr().err


def test_a_recording_is_judged_for_some_promises_only(tmp_path: Path) -> None:
    recording = write(created(3).records, tmp_path / "run.ndjson")
    main(["judge", str(recording), "--promises", "ord-02,Idn", "--output-dir", str(tmp_path / "out")])
    found = [p["id"] for p in json.loads((tmp_path / "out" / "verdict.json").read_text())["promises"]]
    assert "ORD-02" in found
    assert {name.split("-")[0] for name in found if name != "ORD-02"} == {"IDN"}


def test_a_promise_that_there_is_not_is_a_usage_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    for given in (["judge", "x", "--promises", "ORF-02"], ["promises", "ORF-02"]):
        assert main(given) == 4
        assert "no area ORF-02 (did you mean ORD-02?)" in " ".join(capsys.readouterr().err.split())


def test_promises_of_an_area_are_told_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promises", "mrs"]) == 0
    ids = [line[:6] for line in capsys.readouterr().out.splitlines() if line[:4] == "MRS-"]
    assert len(ids) > 1
