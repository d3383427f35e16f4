"""Which image stands for each key of ``manifests/images.yaml``."""

from collections.abc import Iterable, Mapping

from stsconf import suite_files


def named(given: Iterable[str], prefix: str | None) -> Mapping[str, str]:
    """The images that were asked for, by key; the keys that nobody named are left out.

    ``given`` are texts ``KEY=REFERENCE``. ``prefix`` takes the place of the registry of the workload's other images.
    Raises ``ValueError`` with a sentence for a key that there is not.
    """
    found: dict[str, str] = {}
    known = suite_files.public_images()
    for pair in given:
        key, equals, reference = pair.partition("=")
        if not equals or key not in known:
            raise ValueError(f"'{pair}' is not KEY=REFERENCE (the keys are {', '.join(known)})")
        found[key] = reference
    if prefix is None:
        return found
    public = {key: reference.split("/", 1)[1] for key, reference in suite_files.workload_images().items()}
    return {**{key: f"{prefix.rstrip('/')}/{rest}" for key, rest in public.items()}, **found}
