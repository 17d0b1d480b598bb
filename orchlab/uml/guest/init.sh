#!/bin/sh
# The guest's first process: mounts, kernel modules, network and engine; then the
# scenario, and the power goes off whatever became of it.
#
# NODE_ADDRESS     of the node, as a client outside reaches it
# OUTSIDE_ADDRESS  of that client
export HOME=/run PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb

power_off() {
    sync
    echo o > /proc/sysrq-trigger
    sleep 60
}
trap power_off EXIT
set -eu

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+${controller}" > /sys/fs/cgroup/cgroup.subtree_control
done
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for directory in /dev/shm /run /tmp /var/lib; do
    mount -t tmpfs tmpfs "${directory}"
done
mount -t hostfs -o hostfs=/report report /report
modprobe --all overlay br_netfilter veth vxlan ip_vs ip_vs_rr iptable_filter iptable_mangle iptable_nat

# A client outside, joined to the node by one cable: requests arrive as from another machine.
hostname mesh
ip link set lo up
ip netns add outside
ip link add node0 type veth peer name outside0 netns outside
ip address add "${NODE_ADDRESS}/24" dev node0
ip link set node0 up
ip -n outside address add "${OUTSIDE_ADDRESS}/24" dev outside0
ip -n outside link set outside0 up

# Collecting garbage and preempting by signals are dear on this kernel; memory is not.
GOGC=400 GODEBUG=asyncpreemptoff=1 dockerd > /report/dockerd.log 2>&1 &
cd /opt
python3 -m guest.scenario
