#!/bin/sh
# ganesha serves NFSv3 only when it can register with a portmapper; clients never ask it, so no Service needs its port.
set -eu
mkdir -p /run/ganesha /run/rpcbind /var/lib/nfs/ganesha
rpcbind -w
until rpcinfo -p 127.0.0.1 >/dev/null 2>&1; do sleep 0.05; done
exec ganesha.nfsd -F -L /dev/stdout -f /srv/ganesha.conf -p /run/ganesha.pid
