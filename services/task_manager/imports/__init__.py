"""Pictures that a client has in a bucket of its own: the platform reads them there, in the background."""
