"""Where the data are: what the adapters take from the files that deploy the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchlab import labels, paths
from orchlab.platforms import helper
from orchlab.platforms.k8s import backup as k8s_backup
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.swarm import backup as swarm_backup

(JOB,) = yaml.safe_load_all((paths.K8S / "backup" / "job.yaml").read_text())
POD: dict[str, Any] = JOB["spec"]["template"]["spec"]
REDIS: dict[str, Any] = next(
    each
    for each in yaml.safe_load_all((k8s_release.BASE / "redis.yaml").read_text())
    if each["kind"] == "StatefulSet"
)["spec"]


def test_a_helper_sees_one_volume_and_has_no_rights() -> None:
    """No network, no capability, no file system to write to but the volume; found by label."""
    command = helper.command("lab_data", "999:999", "orchlab/app:1", "swarm")
    assert command[:2] == ["docker", "run"]
    assert {"--rm", "--network=none", "--read-only", "--cap-drop=ALL"} <= set(command)
    assert "--mount=type=volume,source=lab_data,target=/data,volume-nocopy" in command
    assert {*labels.flags("swarm")} <= set(command)
    assert command[-1] == "orchlab/app:1"


def test_a_helper_is_who_owns_the_data() -> None:
    """As the image of the app and the Pod of Redis say."""
    assert f"USER {helper.APP_USER}" in (paths.APP / "Dockerfile").read_text()
    owner = REDIS["template"]["spec"]["securityContext"]
    assert f"{owner['runAsUser']}:{owner['runAsGroup']}" == helper.STORE_USER
    assert owner.items() <= POD["securityContext"].items()


def test_the_job_mounts_the_claim_of_redis() -> None:
    """A StatefulSet names it after its template and its pod."""
    (template,) = REDIS["volumeClaimTemplates"]
    (volume,) = POD["volumes"]
    claim = f"{template['metadata']['name']}-{k8s_backup.POD}"
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    (mount,) = POD["containers"][0]["volumeMounts"]
    assert mount == {"name": volume["name"], "mountPath": helper.DATA}


def test_a_job_that_nobody_ends_removes_itself() -> None:
    """The command that made it may have been killed."""
    assert JOB["spec"]["activeDeadlineSeconds"] > 0
    assert JOB["spec"]["ttlSecondsAfterFinished"] == 0


def test_the_job_runs_the_image_that_the_app_runs(tmp_path: Path) -> None:
    """Its nodes have that already."""
    found = k8s_backup.kustomization(tmp_path, "lab-registry:5000/orchlab/app:1-abc")
    (image,) = found["images"]
    assert (image["newName"], image["newTag"]) == ("lab-registry:5000/orchlab/app", "1-abc")
    (known,) = yaml.safe_load((paths.K8S / "backup" / "kustomization.yaml").read_text())["images"]
    assert (image["name"], known["name"]) == (known["newName"], POD["containers"][0]["image"])


@pytest.mark.parametrize(
    ("mounts", "volume"),
    [
        ([{"Type": "volume", "Source": "lab_app-data", "Target": "/data"}], "lab_app-data"),
        ([{"Type": "tmpfs", "Target": "/data"}], ""),
        ([{"Type": "volume", "Source": "other", "Target": "/cache"}], ""),
        ([], ""),
    ],
)
def test_a_volume_of_the_service_is_found(mounts: list[dict[str, str]], volume: str) -> None:
    """Only where the app has its data."""
    assert swarm_backup.mounted({"Mounts": mounts}) == volume
