#!/bin/sh
# The first process of the engine's namespaces: makes the root file system ROOT its own, then runs dockerd.
# In: ROOT, DATA (images and containers), SOCKETS (folder shared with the host), CGROUP (parent of all containers).
# pivot_root, not chroot: after a chroot "docker exec" would enter the host's root.
set -eu
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/run"
mkdir -p "$ROOT/run/shared" "$ROOT/var/lib/docker" "$ROOT/.old"
mount --bind "$SOCKETS" "$ROOT/run/shared"
mount --bind "$DATA" "$ROOT/var/lib/docker"
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1
cd "$ROOT"
pivot_root . .old
cd /
umount -l /.old
PATH=/usr/sbin:/usr/bin:/sbin:/bin exec tini -- dockerd --host unix:///run/shared/docker.sock --group 0 \
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$CGROUP" --log-level warn
