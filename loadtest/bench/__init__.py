"""How fast the embedded platform is, measured over HTTP from a process of its own."""
