#!/bin/sh
# Prepare a privileged container for nested containers and become its dockerd.
set -eu

# A killed node leaves these behind, and a recycled pid makes dockerd refuse to start.
rm -f /run/docker.pid /run/docker/containerd/containerd.pid

# cgroup v2 allows no process in a group that has children: move ours to a leaf.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/node
    while read -r pid; do
        # A process that ended meanwhile cannot be moved, and need not be.
        echo "$pid" > /sys/fs/cgroup/node/cgroup.procs 2>/dev/null || true
    done < /sys/fs/cgroup/cgroup.procs
    for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
    done
fi

# A kernel without nf_tables support for iptables rules still has the older tables.
if ! iptables -w -n -L > /dev/null 2>&1; then
    update-alternatives --set iptables /usr/sbin/iptables-legacy > /dev/null
    update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy > /dev/null
fi

exec dockerd --host=unix:///var/run/docker.sock "$@"
