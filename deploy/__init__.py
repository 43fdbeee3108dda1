"""How the platform and the servers that it needs are brought up."""
