#!/bin/sh
# What mpiexec runs in the place of ssh: two_hosts.sh [options] HOST COMMAND. A host is a network namespace here, named
# by TWO_HOSTS and the last part of its address, 10.77.0.1 or 10.77.0.2.
while [ "${1#-}" != "$1" ]; do shift; done
host=$1
shift
exec ip netns exec "$TWO_HOSTS${host##*.}" /bin/sh -c "$*"
