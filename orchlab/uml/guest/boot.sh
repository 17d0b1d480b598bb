#!/bin/sh
# Boot the guest on the container's file system. Arguments such as NAME=value become
# variables of its init: the kernel passes on what it does not know.
#
# TIME_LIMIT  seconds after which the guest is killed
# TMPDIR      a tmpfs that allows execution: the guest's memory is a file in there
set -eu

export HOME="${TMPDIR}"
export LD_PRELOAD=/usr/local/lib/xstate.so  # the processor's whole state: see xstate.c
exec timeout --signal=KILL "${TIME_LIMIT}" linux.uml \
    mem=2G root=/dev/root rootfstype=hostfs rootflags=/ ro init=/opt/guest/init.sh quiet \
    con=null ssl=null con0=null,fd:1 "$@"
