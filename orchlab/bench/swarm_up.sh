#!/bin/sh
# A Swarm of one manager and two workers, each a privileged container with an engine of
# its own, by hand: what `invoke swarm-up` does, with nothing that it checks or repairs.
#
#   LAB=by-hand IMAGE=docker:28.5.2-dind DIRECTORY=/tmp/by-hand sh swarm_up.sh
#
# variable   meaning
# LAB        prefix of all names, and value of the label orchlab.lab
# IMAGE      image of a node: its arguments are flags of dockerd
# DIRECTORY  where the nodes' API sockets are; at most 80 characters long
# SUBNET     network of the nodes (default 198.18.255)
set -eu
subnet=${SUBNET:-198.18.255}
marks="--label=orchlab.lab=$LAB --label=orchlab.platform=swarm"

on() { node=$1; shift; DOCKER_HOST="unix://$DIRECTORY/$node/docker.sock" docker "$@"; }

start() { # NODE ADDRESS
    mkdir -p -m 700 "$DIRECTORY/$1"
    docker volume create $marks "$LAB-swarm-$1" > /dev/null
    docker run --detach $marks --name "$LAB-swarm-$1" --hostname "$LAB-swarm-$1" --privileged \
        --env container=docker --tmpfs /run --network "$LAB-swarm" --ip "$2" \
        --volume "$LAB-swarm-$1:/var/lib/docker" --volume "$DIRECTORY/$1:/orchlab" \
        --publish 127.0.0.1::8080 "$IMAGE" --host=unix:///orchlab/docker.sock > /dev/null
    until on "$1" version > /dev/null 2>&1; do sleep 0.1; done
}

docker network create $marks --subnet "$subnet.0/24" "$LAB-swarm" > /dev/null
start manager1 "$subnet.11" & start worker1 "$subnet.21" & start worker2 "$subnet.22" &
wait

on manager1 swarm init --advertise-addr "$subnet.11" > /dev/null
token=$(on manager1 swarm join-token --quiet worker)
for worker in worker1 worker2; do
    on "$worker" swarm join --token "$token" "$subnet.11:2377" > /dev/null &
done
wait
until [ "$(on manager1 node ls --format '{{.Status}}' | grep -c Ready)" = 3 ]; do sleep 0.1; done
on manager1 node update --label-add orchlab.store=true "$LAB-swarm-worker1" > /dev/null
