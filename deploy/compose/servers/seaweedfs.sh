#!/bin/sh
# SeaweedFS as one process: master, volumes, filer and the S3 gateway, which knows one user.
# Volumes are not allocated ahead, as the image's own start script would do: that takes gigabytes for the first picture.
# Master, volumes and filer ask for no keys, so they listen on the loopback of the container alone, as do their gRPC ports;
# Iceberg and Lance are not served. Nothing is told to SeaweedFS' makers, as it is by default from 10 GiB on.
set -eu
umask 077
cat > /tmp/s3.json <<END
{
  "identities": [
    {
      "name": "quorate",
      "credentials": [{"accessKey": "$S3_ACCESS_KEY", "secretKey": "$S3_SECRET_KEY"}],
      "actions": ["Admin", "Read", "Write", "List", "Tagging"]
    }
  ]
}
END
unset S3_ACCESS_KEY S3_SECRET_KEY
# There is one master, which need not wait ten seconds for others before it leads.
exec weed -logtostderr=true server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
    -master.electionTimeout=500ms -master.heartbeatInterval=100ms -master.volumeSizeLimitMB=1024 -volume.max=0 \
    -s3 -s3.ip.bind=0.0.0.0 -s3.port=9000 -s3.port.iceberg=0 -s3.port.lance=0 -s3.config=/tmp/s3.json
