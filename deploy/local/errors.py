"""What can go wrong while servers are brought up."""


class ServerNotUp(Exception):
    """A server did not start; the text says why and where its log is."""


class ServerNotInstalled(ServerNotUp):
    """A server's programs are not on this machine and cannot be put there from here."""
