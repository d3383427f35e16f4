#!/bin/sh
# Succeeds when the export itself can be mounted and listed over NFSv3: an open port proves nothing.
exec timeout 4 nfs-ls 'nfs://127.0.0.1/export?version=3&nfsport=2049&mountport=20048' >/dev/null
