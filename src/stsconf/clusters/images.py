"""Which image stands for each key of ``manifests/images.yaml``."""

from collections.abc import Mapping

from stsconf import suite_files
from stsconf.errors import UsageError


def named(given: object, prefix: str | None) -> Mapping[str, str]:
    """The images that were asked for, by key; the keys that nobody named are left out.

    ``given`` are texts ``KEY=REFERENCE``, several or one with commas. ``prefix`` takes the place of the registry of the
    workload's other images. Raises ``UsageError`` for a key that there is not.
    """
    pairs = given.split(",") if isinstance(given, str) else [str(pair) for pair in given or ()]  # type: ignore[attr-defined]
    found: dict[str, str] = {}
    known = suite_files.public_images()
    for pair in filter(None, pairs):
        key, equals, reference = pair.partition("=")
        if not equals or key not in known:
            raise UsageError(f"--sts-image={pair} is not KEY=REFERENCE.", f"The keys are {', '.join(known)}.")
        found[key] = reference
    if prefix is None:
        return found
    public = {key: reference.split("/", 1)[1] for key, reference in suite_files.workload_images().items()}
    return {**{key: f"{prefix.rstrip('/')}/{rest}" for key, rest in public.items()}, **found}
