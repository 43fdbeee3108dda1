"""Real servers on this machine, without containers: RabbitMQ, Ceph as the S3 server, nx-27017 as the MongoDB server."""
