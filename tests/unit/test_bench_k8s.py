"""What is done by hand on Kubernetes is what the task does."""

from __future__ import annotations

from orchlab.bench import k8s_deploy
from orchlab.bench.echoes import echoed

TASK = """\
... k8s: registry:5000/orchlab/app:1 to every node
$ KUBECONFIG=/k /bin/kubectl apply -k /release
... roll out statefulset/redis
$ KUBECONFIG=/k /bin/kubectl get --raw /configz
"""
APPLY = "KUBECONFIG=/k /bin/kubectl apply -k /release"
STATUS = "KUBECONFIG=/k /bin/kubectl rollout status -n orchlab"


def test_by_hand_the_release_is_applied_and_both_rollouts_are_awaited() -> None:
    """With the task's own program, cluster and files."""
    assert echoed(TASK, k8s_deploy.APPLY) == [APPLY]
    assert k8s_deploy.deploy_by_hand(APPLY).splitlines() == [
        APPLY,
        f"{STATUS} statefulset/redis --timeout=180s",
        f"{STATUS} deployment/web --timeout=180s",
    ]


def test_an_update_by_hand_sets_the_image_and_waits() -> None:
    """With the same program and the same cluster."""
    assert k8s_deploy.update_by_hand(APPLY, "registry/app:2").splitlines() == [
        "KUBECONFIG=/k /bin/kubectl set image -n orchlab deployment/web web=registry/app:2",
        f"{STATUS} deployment/web --timeout=180s",
    ]
