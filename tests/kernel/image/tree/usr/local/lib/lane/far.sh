#!/bin/sh
# The other ends of the tunnels, in a network namespace of their own, configured by ip(8) and wg(8) alone.
set -eu

in_far() { ip netns exec far "$@"; }

ip netns add far
ip link add near type veth peer name far netns far
ip address add 198.19.0.1/24 dev near
ip link set near up
in_far ip address add 198.19.0.2/24 dev far
in_far ip link set far up

for number in 0 1; do
    link=far$number
    in_far ip link add "$link" type wireguard
    in_far wg setconf "$link" "/etc/lane/$link.conf"
    for key in "/var/lib/weft/keys/wg$number/"*.psk; do
        [ ! -e "$key" ] || in_far wg set "$link" peer "$(wg show "wg$number" public-key)" preshared-key "$key"
    done
    in_far ip address add "10.8.$number.2/24" dev "$link"
    in_far ip address add "fd00:80$number::2/64" dev "$link" nodad
    in_far ip link set "$link" up
done
