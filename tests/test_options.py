"""The option table: what it may say, how values are read, where they come from, and what fits which provider."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsconf.act.objects import Kind
from stsconf.cli.main import COMMANDS
from stsconf.clusters import Provider
from stsconf.clusters.engine import EngineChoice
from stsconf.clusters.keeping import Keep
from stsconf.errors import UsageError
from stsconf.judging.promise import Profile
from stsconf.options import TABLE, read, spell_with, variable
from stsconf.run.config import Config

SOURCE = Path(__file__).parents[1] / "src" / "stsconf"
YES, NO = ("1", "true", "yes", "TRUE", "Yes"), ("0", "false", "no", "False", "")


@pytest.fixture
def under_pytest() -> Iterator[None]:
    spell_with("--sts-")
    yield
    spell_with("--")


def values(environment: dict[str, str] | None = None, **given: Any) -> Any:
    return read({name.replace("_", "-"): value for name, value in given.items()}, environment or {})


@pytest.mark.parametrize(
    ("name", "enumeration"),
    [("cluster", Provider), ("workload", Kind), ("profile", Profile), ("keep", Keep), ("engine", EngineChoice)],
)
def test_a_choice_offers_what_the_engine_knows(name: str, enumeration: Any) -> None:
    assert set(TABLE[name].choices) == {*enumeration}


def test_every_option_is_taken_by_a_command_that_there_is() -> None:
    names = {command.__name__.rsplit(".", 1)[1] for command in COMMANDS}
    assert all({*option.commands} <= names and option.commands for option in TABLE.values())


def test_nothing_but_the_options_of_the_table_is_named_in_a_message() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    named = re.findall(r"spelled\(['\"]([\w-]+)['\"]", text)
    assert named
    assert set(named) <= TABLE.keys()


def test_no_message_of_the_engine_spells_an_option_as_pytest_does() -> None:
    told = {path for path in SOURCE.rglob("*.py") if re.search(r"--sts-(?!\{name\}|spelling|NAME)", path.read_text())}
    assert told == set()


@pytest.mark.parametrize("name", [name for name, option in TABLE.items() if option.type == "flag"])
def test_a_flag_of_the_environment_is_yes_or_no_and_nothing_else(name: str) -> None:
    extra = {"cluster": "existing"} if "existing" in TABLE[name].only_with else {}
    assert all(read(extra, {variable(name): word})[name] is True for word in YES)
    assert all(read(extra, {variable(name): word})[name] is False for word in NO)
    with pytest.raises(UsageError, match=f"^{variable(name)}: 'maybe' is neither yes"):
        read({}, {variable(name): "maybe"})


def test_what_is_given_comes_before_its_variable_and_that_before_the_default() -> None:
    environment = {"STS_SETTLE": "2m", "STS_PROMISES": "ORD,UPD-02"}
    assert (values()["settle"], values()["promises"]) == (300, None)
    assert (values(environment)["settle"], values(environment)["promises"]) == (120, ("ORD", "UPD-02"))
    assert values(environment, settle="90")["settle"] == 90
    assert values(environment, settle="")["settle"] == 300


def test_words_have_commas_or_the_option_is_repeated() -> None:
    assert values(promises=["DEL, UPD-02", "ORD"])["promises"] == ("DEL", "UPD-02", "ORD")


@given(st.lists(st.from_regex(r"[A-Za-z0-9=/.-]+", fullmatch=True), min_size=1))
def test_words_come_back_as_they_were_given(words: list[str]) -> None:
    assert values(image=",".join(words))["image"] == tuple(words) == values(image=words)["image"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"deadline": "banana"}, "--deadline: 'banana' is not a duration (use 90, 90s, 10m or 2h)."),
        ({"keep": "maybe"}, "--keep: 'maybe' is none of never, on-failure, always."),
        ({"nodes": "two"}, "--nodes: 'two' is not a number of 1 or more."),
        ({"promises": "ORD-99"}, "--promises: there is no promise and no area ORD-99 (did you mean ORD-09?)."),
        ({"scenario": "creat"}, "--scenario: there is no scenario creat (did you mean create?)."),
        ({"cluster": "kind", "as": "jane"}, "--as: applies only to provider existing, and --cluster says kind."),
    ],
)
def test_a_refusal_names_the_option_as_it_was_given(asked: dict[str, str], sentence: str) -> None:
    ((name, value),) = [(name, value) for name, value in asked.items() if name != "cluster"]
    others = {key: value for key, value in asked.items() if key == "cluster"}
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        Config.from_options(asked)
    there = sentence.replace(f"--{name}", variable(name))
    with pytest.raises(UsageError, match=f"^{re.escape(there)}$"):
        Config.from_options(others, {variable(name): value})


@pytest.mark.usefixtures("under_pytest")
def test_under_pytest_it_is_named_as_pytest_has_it() -> None:
    with pytest.raises(UsageError, match=r"^--sts-deadline: 'banana'"):
        Config.from_options({"deadline": "banana"})
    with pytest.raises(UsageError, match="--sts-cluster=kind --sts-nodes=3"):
        Config.from_options({"disruptive": True})


BELONGING = [(n, o.only_with[0]) for n, o in TABLE.items() if o.only_with and "kind" not in o.only_with]


@pytest.mark.parametrize(("name", "provider"), BELONGING)
def test_an_option_of_another_provider_chooses_it_or_is_refused(name: str, provider: str) -> None:
    value = True if TABLE[name].type == "flag" else "A=true" if name == "feature-gates" else "x"
    assert read({name: value}, {})["cluster"] == provider
    assert read({}, {variable(name): str(value)})["cluster"] == provider
    for other in {*TABLE["cluster"].choices} - {provider}:
        with pytest.raises(UsageError, match=f"--{name}: applies only to provider {provider}, and --cluster says"):
            read({name: value, "cluster": other}, {})


def test_options_of_two_providers_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--local-bin: applies only to provider local, and --context says existing"):
        values(context="staging", local_bin="x")
    with pytest.raises(UsageError, match="--registry-mirror: applies only to provider kind, and --context says"):
        values(context="staging", registry_mirror="http://mirror.example")


def test_a_default_that_is_spelled_out_asks_for_nothing() -> None:
    assert values({"STS_NODES": "1", "STS_ENGINE": "auto", "STS_ALLOW_FOREIGN": "no"}, cluster="local")["nodes"] == 1


def test_a_command_reads_the_variables_of_its_own_options() -> None:
    environment = {"STS_DEADLINE": "banana", "STS_SETTLE": "90"}
    assert read({}, environment, "walkthrough")["settle"] == 90
    with pytest.raises(UsageError, match="STS_DEADLINE"):
        read({}, environment, "run")


@pytest.mark.parametrize("word", ["ord-02", "ORD-02", "ord2", "Ord_02"])
def test_promises_are_named_as_people_write_them(word: str) -> None:
    assert Config.from_options({"promises": f"{word},del"}).promises == ("ORD-02", "DEL")
    assert Config.from_options({"scenario": "Scale-Up"}).scenarios == ("scale_up",)
