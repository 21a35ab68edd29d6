#!/bin/sh
# SeaweedFS with one S3 identity from the environment. Its parts speak among themselves on the loopback
# of the container, gRPC only and signed; the S3 gateway is all that others reach.
set -eu
umask 077
cd /data
cat > identities.json <<END
{"identities": [{"name": "mediaproject", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
  "credentials": [{"accessKey": "$S3_ACCESS_KEY_ID", "secretKey": "$S3_SECRET_ACCESS_KEY"}]}]}
END
# A signature lives for seconds and they are one process: every start has new keys.
for part in jwt.signing jwt.filer_signing jwt.filer_signing.read; do
    printf '[%s]\nkey = "%s"\n' "$part" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
done > security.toml
# The filer keeps its index here too, whatever the image has been configured with.
printf '[leveldb2]\nenabled = true\ndir = "/data/filerldb2"\n' > filer.toml
exec weed -logtostderr server -dir=/data \
    -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.ip.bind=0.0.0.0 -disableHttp \
    -filer -s3 -s3.config=identities.json -s3.iam=false -s3.port=8333 -s3.port.iceberg=0 -s3.port.lance=0 \
    -master.peers=none -master.telemetry=false -master.volumeSizeLimitMB=1024 \
    -master.raftHashicorp -master.electionTimeout=200ms -master.heartbeatInterval=50ms \
    -volume.max=0 -volume.preStopSeconds=0
