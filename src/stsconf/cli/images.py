"""``stsconf images``: what a run starts on a cluster you have."""

import argparse
from typing import Any

from stsconf import suite_files
from stsconf.cli.arguments import add_command, add_options, given
from stsconf.errors import ExitCode

USED = {
    "nginx_old": "Pods of the StatefulSets, and of the storage probe",
    "nginx_new": "Pods of the StatefulSets after an update",
}


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "images",
        "list the images that a run starts on a cluster you have, and where they come from",
        "List every image that `stsconf run --cluster existing` starts: key, reference, what for.",
        "example: stsconf images --image-prefix registry.example.com/mirror",
    )
    add_options(parser, "images")
    parser.set_defaults(cluster="existing")


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.run.config import Config

    images = {**suite_files.workload_images(), **Config.of(given(arguments)).images}
    for key, use in USED.items():
        print(f"{key}  {images[key]}  {use}")
    return ExitCode.HOLDS
