#!/bin/sh
# Install what the lab needs on the machine it runs on (Debian or Ubuntu, as root). `python3 -m lab up` calls this itself.
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need systemd-nspawn systemd-container
need mmdebstrap mmdebstrap
need ssh openssh-client
need ip iproute2
need nsenter util-linux
need modprobe kmod
[ -n "$missing" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# shellcheck disable=SC2086 # a list of words
apt-get -q -y --no-install-recommends install $missing
