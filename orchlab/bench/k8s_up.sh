#!/bin/sh
# A cluster of one control plane and two workers, by hand: what `invoke k8s-up` does, with
# nothing that it checks or repairs.
#
#   LAB=by-hand IMAGE=kindest/node:v1.36.3 KIND=kind KUBECTL=kubectl CONFIG=k8s/kind.yaml \
#     KUBECONFIG=/tmp/by-hand.kubeconfig sh k8s_up.sh
#
# KIND_EXPERIMENTAL_DOCKER_NETWORK names another network than kind's own.
set -eu
"$KIND" create cluster --name "$LAB" --image "$IMAGE" --config "$CONFIG"
"$KUBECTL" wait --for=condition=Ready nodes --all --timeout=240s
"$KUBECTL" -n kube-system wait --for=condition=Ready pods --all --timeout=240s
"$KUBECTL" -n local-path-storage wait --for=condition=Ready pods --all --timeout=240s
