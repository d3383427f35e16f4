"""Which cluster is meant: the rules of kubectl, where the official client has others.

``KUBECONFIG`` is a list of files; the first that names a current context wins (kubectl's rule, while the client takes
the last), and files that do not exist are passed over. Without any file the service account of the pod is used.
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
"""

import os
from pathlib import Path

import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, load_incluster_config, new_client_from_config

from stsconf.errors import UsageError
from stsconf.options import spelled

IN_CLUSTER = "in-cluster"
"""What a cluster is called where no kubeconfig names it."""


def in_pod() -> bool:
    """Whether this process runs in a pod, as the official client tells it."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def files(given: Path | None) -> list[Path]:
    """The kubeconfig files that exist, in order. Raises ``UsageError`` for a ``given`` one that does not."""
    if given is not None:
        if not given.is_file():
            raise UsageError(
                f"The kubeconfig cannot be used: there is no {given}.",
                f"Name a file with {spelled('kubeconfig')} or KUBECONFIG.",
            )
        return [given]
    listed = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return [path for word in listed.split(os.pathsep) if word and (path := Path(word).expanduser()).is_file()]


def contexts(found: list[Path]) -> tuple[list[str], str | None]:
    """The names of all contexts, and the current one. Raises ``UsageError`` for a file that is no kubeconfig."""
    names: dict[str, None] = {}
    current: str | None = None
    for path in found:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            names |= dict.fromkeys(str(context["name"]) for context in content.get("contexts") or ())
            current = current or content.get("current-context") or None
        except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} is not a kubeconfig ({type(error).__name__}).", "Look at it with a text editor."
            ) from None
    return list(names), current


def choose(given: Path | None, context: str | None) -> str | None:
    """The context to use; ``None`` for the service account of the pod we run in.

    Raises ``UsageError`` when it does not exist, and when there are several, none was named and nobody watches: what a
    file's current context happens to be is no basis for writing to a cluster.
    """
    found = files(given)
    if context is None and not found and in_pod():
        return None
    names, current = contexts(found)
    known = ", ".join(names) or "none"
    if context is None and len(names) > 1 and not _terminal():
        raise UsageError(
            f"The kubeconfig has {len(names)} contexts, and none was named.", f"Add {spelled('context')}: {known}."
        )
    chosen = context or current or (names[0] if len(names) == 1 else None)
    if chosen is None or chosen not in names:
        what = f"There is no context {chosen} in the kubeconfig" if chosen else "No kubeconfig names a context to use"
        raise UsageError(
            f"{what} (it has: {known}).",
            f"Name a file with {spelled('kubeconfig')} and a context with {spelled('context')}.",
        )
    return chosen


def _terminal() -> bool:
    """Whether a terminal belongs to this process, whatever its streams are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def client(given: Path | None, context: str | None, configuration: Configuration, impersonate: str | None) -> ApiClient:
    """The official client for a context, or for the pod's service account. Raises ``UsageError`` when it has none."""
    found = files(given)
    try:
        if not found and context is None and in_pod():
            load_incluster_config(client_configuration=configuration)
            made = ApiClient(configuration)
        else:
            listed = os.pathsep.join(map(str, found)) or "none"
            current = context or contexts(found)[1]
            made = new_client_from_config(listed, current, client_configuration=configuration)
    except ConfigException as error:
        raise UsageError(
            f"The kubeconfig cannot be used: {error}.",
            f"Name a file with {spelled('kubeconfig')} or KUBECONFIG, and one of `kubectl config get-contexts` with "
            f"{spelled('context')}.",
        ) from None
    if impersonate:
        made.set_default_header("Impersonate-User", impersonate)
    return made
