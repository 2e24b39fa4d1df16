#!/bin/sh
# Runs inside the fresh root filesystem: what the packages leave to be decided.
set -eu

systemctl disable docker.service docker.socket containerd.service ssh.socket 2>/dev/null || true
systemctl enable lab-network.service ssh.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    console-getty.service getty.target systemd-networkd-wait-online.service
rm -f /etc/ssh/ssh_host_*  # every lab brings its own
: > /etc/resolv.conf  # the lab has no name server; the one of the machine that built this is not for here
: > /etc/machine-id

# The image of the test containers: busybox, and with their libraries real ping (it can set DF), curl (a static wget
# looks for the resolver of a libc it does not have and crashes), iperf3 and tcpdump.
image=$(mktemp -d)
mkdir -p "$image/bin" "$image/tmp" "$image/etc" "$image/root" "$image/usr/bin" "$image/proc" "$image/sys" "$image/dev"
cp "$(command -v busybox)" "$image/bin/busybox"
for applet in $(busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$image/bin/$applet"
done
rm -f "$image/bin/ping" "$image/bin/wget"
for tool in ping curl iperf3 tcpdump; do
    path=$(readlink -f "$(command -v $tool)")
    cp "$path" "$image/bin/$tool"
    ldd "$path" | grep -o '/[^ )]*' | while read -r library; do
        mkdir -p "$image$(dirname "$library")"
        cp -L "$library" "$image$library"
    done
done
echo 'root:x:0:0:root:/root:/bin/sh' > "$image/etc/passwd"
echo 'root:x:0:' > "$image/etc/group"
chmod 1777 "$image/tmp"
mkdir -p /usr/share/lab
tar -C "$image" -cf /usr/share/lab/image.tar .
rm -rf "$image"
