"""Real servers on this machine, without containers: RabbitMQ, SeaweedFS for S3, nx-27017 for MongoDB's protocol."""
