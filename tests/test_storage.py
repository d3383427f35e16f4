"""Which stage of the storage a failure is put down to, where no cluster can be made to fail so."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from stsconf import suite_files
from stsconf.clusters import storage
from stsconf.errors import StorageNotReady
from stsconf.kube.api import Api
from stsconf.waits import Waits


class NeverAvailable:
    """An API server whose deployments have one pod each, which waits for a reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.images: list[str] = []

    def create(self, manifest: dict[str, Any], *_: str) -> None:
        if manifest["kind"] == "Deployment":
            self.images += [c["image"] for c in manifest["spec"]["template"]["spec"]["containers"]]

    def get(self, *_: str) -> dict[str, Any]:
        return {"status": {}}

    def list(self, kind: str, *_: str) -> Iterator[dict[str, Any]]:
        for image in self.images if kind == "Pod" else ():
            yield {"status": {"containerStatuses": [{"image": image, "state": {"waiting": {"reason": self.reason}}}]}}


@pytest.mark.parametrize(
    ("reason", "stage", "sentence"),
    [
        ("ImagePullBackOff", "image", "image registry.k8s.io/e2e-test-images/volume/nfs:1.4 cannot be had"),
        ("CrashLoopBackOff", "server", "deployment nfs-storage/nfs-server was not available within 0 s"),
    ],
)
def test_a_storage_server_without_its_image_is_put_down_to_the_image(reason: str, stage: str, sentence: str) -> None:
    api, waits = cast(Api, NeverAvailable(reason)), Waits(storage_server=0)
    with pytest.raises(StorageNotReady) as refused:
        storage.install(api, suite_files.public_images(), "kernel", (), waits, lambda _: None)
    assert refused.value.stage == stage
    assert sentence in str(refused.value)
