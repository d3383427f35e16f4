"""Markers: what the pods write to their volumes, and where it is found again."""

from collections.abc import Mapping

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from stsconf.act.setting import Setting
from stsconf.act.state import State
from stsconf.kube.api import ApiError, run_in_pod
from stsconf.timeline import facts


class Content:
    """Writes and reads markers; what was found is an observation of the recording."""

    def __init__(self, setting: Setting, state: State) -> None:
        self._setting = setting
        self._names = setting.names
        self._state = state

    def write(self) -> dict[str, str]:
        """Each pod that has a claim writes its ordinal and uid to its volume, under a name that no other pod uses.

        Returns what was written, by pod name; nothing where pods are hollow.
        """
        written: dict[str, str] = {}
        claims = self._state.claims() if self._setting.kubelet else {}
        for name, pod in sorted(self._state.pods().items()):
            if f"{self._names.claim}-{name}" in claims:
                text = written[name] = marker(pod)
                command = f"echo {text} > /usr/share/nginx/html/{text}"
                run_in_pod(self._setting.api, self._names.namespace, name, command)
                self._observe("write", "exec", name, pod.uid, text, text)
        return written

    def read(self, written: Mapping[str, str]) -> None:
        """Look for what was written, by pod name: in the pod of that name now, on the server, in every other volume."""
        pods = self._state.pods()
        for name, text in sorted(written.items()):
            if name not in pods:
                continue
            found = self._http(self._names.namespace, name, text, self._setting.kind.port)
            self._observe("read", "http", name, pods[name].uid, text, found)
            for other in sorted(pods):
                folder = self._folder(other)
                if self._setting.nfs_reader is None or folder is None:
                    continue
                found = self._http(*self._setting.nfs_reader, f"{folder}/{text}")
                if other == name:
                    self._observe("read", "nfs", name, pods[name].uid, text, found)
                else:
                    self._observe("look", "nfs", other, text.rsplit("_", 1)[-1], text, found)

    def _observe(self, verb: str, via: str, name: str, uid: str, text: str, content: str | None) -> None:
        claim = f"{self._names.claim}-{name}"
        self._setting.recorder.observe(verb, via, self._names.namespace, claim, uid, text, content)

    def _http(self, namespace: str, pod: str, path: str, port: int = 80) -> str | None:
        """A GET to a pod's nginx, through the API server; ``None`` for a 404.

        A pod without a probe is Ready when its container runs, a moment before nginx listens: 503 is asked again.
        """
        not_yet = retry_if_exception(lambda error: isinstance(error, ApiError) and error.status == 503)
        stop = stop_after_delay(self._setting.waits.request)
        ask = Retrying(retry=not_yet, stop=stop, wait=wait_fixed(0.2), reraise=True)
        address = f"api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}"
        try:
            found = ask(self._setting.api.request, "GET", address)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return str(found["text"]).strip()

    def _folder(self, name: str) -> str | None:
        """The folder on the NFS server behind a pod's claim."""
        claim = self._state.claims().get(f"{self._names.claim}-{name}")
        volume = claim and self._setting.recorder.current("persistentvolumes", "", claim.volume_name or "")
        nfs = volume and volume.get("spec", {}).get("nfs")
        return nfs["path"].rsplit("/", 1)[-1] if nfs else None


def marker(pod: facts.Pod) -> str:
    """What a pod writes to its volume, and the name of the file: its own name and uid."""
    return f"stsconf_{pod.name}_{pod.uid}"
