"""What packet loss on the client's link costs: system B's experiment, on two network namespaces of this machine."""
