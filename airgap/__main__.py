"""A kind cluster of a current Kubernetes on a machine without a container engine and without a registry.

``python3 airgap up`` builds what is missing, runs an engine and prints one JSON line; see README.md beside this file.
"""

import argparse
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import preflight
import programs
import suite
from cache import Cache, Step, default_root, remove
from client import Docker
from engine import Engine, Running, until
from progress import Failure, die_with_parent, say, step
from recipe import KUBERNETES, Recipe

POLL = 0.2
"""Seconds between two looks at whether an engine runs, or is used."""
ENGINE = "engine-lock"
"""The lock of whoever starts or ends the engine; what is to be made takes the cache's own as well."""
END = 60.0
"""Seconds an engine may take to end with its last user."""
INTERRUPTED, REFUSED = 2, 11
"""Exit codes of the whole project: interrupted, and refused before the start."""


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived."""


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Turn the first signal into an exception and ignore the rest, so that cleaning up is not disturbed."""
    ignore_signals()
    raise Interrupted


def ignore_signals() -> None:
    """Let nothing but SIGKILL disturb what follows."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)


def pending(steps: Sequence[Step]) -> list[Step]:
    """Steps whose artefact is not there."""
    return [each for each in steps if not each.done]


def check(recipe: Recipe) -> None:
    """Refuse, naming everything that is missing, before anything is downloaded."""
    try:
        megabytes = sum(each.megabytes for each in pending([*recipe.files(), *recipe.images()]))
    except FileNotFoundError:  # without Go there are no keys yet
        megabytes = 11000
    if found := preflight.missing(preflight.Machine(), recipe.store.root, megabytes):
        raise Failure("This machine cannot build and run a cluster yet:\n  - " + "\n  - ".join(found), REFUSED)


def build_programs(store: Cache, names: Sequence[str]) -> dict[str, str]:
    """Build programs of go/ by folder name, without root or an engine; returns where each executable stands."""
    chosen = [programs.named(name) for name in names]
    megabytes = sum(each.megabytes for each in chosen)
    if found := preflight.missing_for_programs(preflight.Machine(), store.root, megabytes):
        raise Failure("This machine cannot build these programs yet:\n  - " + "\n  - ".join(found), REFUSED)
    steps = [programs.build(store, each) for each in chosen]
    make(store, steps, len(pending(steps)), 0)
    return {path.name: str(path) for each in steps for path in sorted(each.path.iterdir())}


def build_suite(recipe: Recipe) -> str:
    """Build the suite's own image in the running engine; returns its name."""
    image, steps = suite.plan(recipe.store, Docker(recipe.docker, recipe.engine.host))
    make(recipe.store, steps, len(pending(steps)), 0)
    return image.reference


def plan(recipe: Recipe) -> str:
    """What is still to do, how long it takes and how much disk; empty when everything is in the cache."""
    todo = pending([*recipe.files(), *recipe.images()])
    if not todo:
        return ""
    minutes, gigabytes = sum(s.seconds for s in todo) / 60, sum(s.megabytes for s in todo) / 1000
    names = "\n".join(f"  {each.seconds:4d} s  {each.name}" for each in todo)
    return (
        f"To be made once, into {recipe.store.root}, from this machine's Debian mirror and Go modules:\n{names}\n"
        f"About {max(1, round(minutes))} min on two cores and {gigabytes:.1f} GB of disk. "
        "Nothing is installed on the host; "
        "`python3 airgap wipe` removes it all."
    )


def make(store: Cache, steps: Sequence[Step], total: int, done: int) -> None:
    """Make the missing ones of *steps*, counting from *done* of *total*; waits for nobody where none is missing."""
    if not pending(steps):
        return
    with store.locked(waiting):
        for number, each in enumerate(pending(steps), done + 1):
            with step(number, total, each.name):
                store.realise(each)


def waiting() -> None:
    """Said when another process holds the cache."""
    say("another airgap works on this cache; waiting for it")


def provide(recipe: Recipe) -> tuple[Running, bool]:
    """Everything built and an engine with all images; whether it ran before. Call it as a user of the engine."""
    engine, docker = recipe.engine, Docker(recipe.docker, recipe.engine.host)
    with recipe.store.locked(waiting, ENGINE):
        todo = pending([*recipe.files(), *recipe.images()])
        files = pending(recipe.files())
        make(recipe.store, files, len(todo), 0)
        found = engine.running()
        running = found or launch(recipe)
        if found is None:
            docker.remove_containers()  # of an engine that was killed
        forget_lost_images(recipe, docker)
        make(recipe.store, recipe.images(), len(todo), len(files))
    return running, found is not None


def launch(recipe: Recipe) -> Running:
    """Start a keeper, and with it the engine. Call it with the engine locked and none running."""
    engine, log = recipe.engine, recipe.store.root / "logs" / "keeper.log"
    remove(engine.users.detached)
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, Path(__file__).parent, "--kubernetes", recipe.version, "keep"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    try:
        while (running := engine.running()) is None:
            if keeper.poll() is not None:
                raise Failure(log.read_text().removeprefix("airgap: ").strip())
            time.sleep(POLL)
    except Interrupted:
        keeper.terminate()
        keeper.wait()
        raise
    keeper.returncode = 0  # it is nobody's child from now on
    return running


def keep(recipe: Recipe) -> None:
    """Run the engine until nobody uses it."""
    engine = recipe.engine
    engine.start()
    try:
        while engine.alive() and not engine.users.close():
            time.sleep(POLL)
    except Interrupted:
        pass  # by `down`
    finally:
        ignore_signals()
        halt(recipe, engine)


def forget_lost_images(recipe: Recipe, docker: Docker) -> None:
    """Drop the notes of images which the engine does not have, so that they are built again."""
    have = docker.images()
    described = [image.reference for image in recipe.contents().values()] + [recipe.node_reference]
    for reference, each in zip(described, recipe.images(), strict=True):
        if reference not in have:
            remove(each.path)


def halt(recipe: Recipe, engine: Engine) -> None:
    """Stop an engine started here; its containers are removed first when it still answers."""
    with contextlib.suppress(Failure):
        if engine.alive() and engine.answers():
            Docker(recipe.docker, engine.host).remove_containers()
    engine.stop()


def up(recipe: Recipe, options: argparse.Namespace) -> int:
    """Build, run, tell, and stay until told to end; the last user's end is the engine's."""
    if options.until_stdin_closes:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    elif not options.detach:
        die_with_parent(signal.SIGTERM)
    with user(recipe):
        running, reused = provide(recipe)
        if options.detach:
            recipe.engine.users.detached.touch()
        print(json.dumps(recipe.description(running, reused)), flush=True)
        try:
            while not options.detach:
                time.sleep(POLL)
                if not recipe.engine.kept():
                    raise Failure(f"The engine ended by itself. See {recipe.engine.log}, then run the same again.")
        except Interrupted:
            pass  # the ordinary end
    return 0


@contextlib.contextmanager
def user(recipe: Recipe) -> Iterator[None]:
    """Be a user of the engine; afterwards, when there is no other, wait until it is gone."""
    engine = recipe.engine
    try:
        with engine.users.using():
            yield
    finally:
        ignore_signals()
        until(lambda: not engine.kept() or engine.users.some(), END)


def end_with_stdin() -> None:
    """Send this process SIGTERM at the end of standard input."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def down(recipe: Recipe) -> None:
    """End the engine, whoever started it, and take every trace of it off the host."""
    engine = recipe.engine
    with recipe.store.locked(waiting, ENGINE):
        engine.end_kept()
        engine.clear()


def status(recipe: Recipe) -> dict[str, object]:
    """Whether an engine runs, its description, and what is still to be built."""
    running = recipe.engine.running()
    return {
        "running": running is not None,
        "to_build": [each.name for each in pending([*recipe.files(), *recipe.images()])],
        "engine": recipe.description(running, True) if running else None,
    }


def environment(recipe: Recipe) -> str:
    """Shell lines for the development loop. Raises Failure when no engine runs."""
    running = recipe.engine.running()
    if running is None:
        raise Failure("No engine runs. Start one with `python3 airgap up --detach`.")
    tools = recipe.description(running, True)["programs"]
    folders = ":".join(str(Path(tool).parent) for tool in tools.values())
    return f'export DOCKER_HOST={shlex.quote(recipe.engine.host)}\nexport PATH={shlex.quote(folders)}:"$PATH"'


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(
        prog="python3 airgap", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument(
        "--kubernetes",
        default=KUBERNETES,
        metavar="VERSION",
        help=f"a version with a folder in go/ (default {KUBERNETES})",
    )
    verbs = line.add_subparsers(dest="verb", required=True, metavar="verb")
    for name, text in (
        ("check", "name everything this machine lacks; downloads nothing"),
        ("plan", "print what is still to be made, how long and how much disk"),
        ("build", "make everything, leave no engine running"),
        ("up", "make what is missing, run the engine, print one JSON line, stay until ended"),
        ("down", "end the engine and take its traces off the host"),
        ("status", "print as JSON what runs and what is to be built"),
        ("env", "print shell lines that point docker, kind and kubectl at the engine"),
        ("programs", "build programs without root or an engine, print as JSON where they stand"),
        ("image", "build the suite's own image in the engine, print its name"),
        ("wipe", "end the engine and remove the cache"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--kubernetes", default=argparse.SUPPRESS, metavar="VERSION", help=argparse.SUPPRESS)
        if name == "programs":
            verb.add_argument("names", nargs="+", metavar="NAME", help="a folder of go/, for example etcd or kwok")
        if name == "up":
            how = verb.add_mutually_exclusive_group()
            how.add_argument(
                "--until-stdin-closes",
                action="store_true",
                help="end at the end of standard input, not with the parent process",
            )
            how.add_argument("--detach", action="store_true", help="return when the engine answers; `down` ends it")
    verbs.add_parser("keep")  # what `up` starts to run the engine; not for people
    return line


def run(options: argparse.Namespace) -> int:
    """Run one verb."""
    if options.verb == "programs":
        programs.named(f"kubernetes-{options.kubernetes}")
    else:
        programs.refuse_without_node(options.kubernetes)
    recipe = Recipe(Cache(default_root()), options.kubernetes)
    if options.verb in {"down", "wipe"}:  # these work on a machine that lost something, too
        if os.geteuid():
            raise Failure("Only root can end the engine: run the same command with sudo.", REFUSED)
    elif options.verb not in {"programs", "keep"}:
        check(recipe)
    match options.verb:
        case "check":
            print("This machine has everything an air-gapped cluster needs.")
        case "plan":
            if todo := plan(recipe):
                print(todo)
            else:
                say("everything is in the cache; an engine starts in seconds")
        case "build":
            with user(recipe):
                provide(recipe)
        case "up":
            return up(recipe, options)
        case "keep":
            keep(recipe)
        case "down":
            down(recipe)
        case "status":
            print(json.dumps(status(recipe), indent=2))
        case "env":
            print(environment(recipe))
        case "programs":
            print(json.dumps(build_programs(recipe.store, options.names)))
        case "image":
            with user(recipe):
                provide(recipe)
                print(build_suite(recipe))
        case "wipe":
            down(recipe)
            with recipe.store.locked(waiting):
                remove(recipe.store.root)
    return 0


def main() -> int:
    """Run the command line; returns the exit code."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, interrupt)
    try:
        return run(parser().parse_args())
    except Failure as failure:
        say(str(failure))
        return failure.code
    except Interrupted:
        say("interrupted; nothing is left running, and the next run goes on from here")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
