"""What is done by hand on Kubernetes is what the task does."""

from __future__ import annotations

from orchlab.bench import k8s_deploy
from orchlab.bench.echoes import echoed

TASK = """\
... k8s: registry:5000/orchlab/app:1 to every node
$ KUBECONFIG=/k /bin/kubectl apply -k /release
... roll out statefulset/redis
$ KUBECONFIG=/k /bin/kubectl rollout status -n orchlab statefulset/redis --timeout=180s
$ KUBECONFIG=/k /bin/kubectl rollout status -n orchlab deployment/web --timeout=180s
$ KUBECONFIG=/k /bin/kubectl get --raw /configz
"""


def test_by_hand_the_release_is_applied_and_both_rollouts_are_awaited() -> None:
    """Nothing that the task only reads is part of it."""
    assert echoed(TASK, k8s_deploy.BY_HAND) == [
        "KUBECONFIG=/k /bin/kubectl apply -k /release",
        "KUBECONFIG=/k /bin/kubectl rollout status -n orchlab statefulset/redis --timeout=180s",
        "KUBECONFIG=/k /bin/kubectl rollout status -n orchlab deployment/web --timeout=180s",
    ]


def test_an_update_by_hand_differs_from_the_wait_in_the_verb_alone() -> None:
    """The image is set with the same program and the same cluster, then awaited."""
    status = "KUBECONFIG=/k kubectl rollout status -n orchlab deployment/web --timeout=180s"
    assert k8s_deploy.update_by_hand(status, "registry/app:2") == (
        "KUBECONFIG=/k kubectl set image -n orchlab deployment/web web=registry/app:2\n" + status
    )
