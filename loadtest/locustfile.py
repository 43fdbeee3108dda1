"""People who use the platform, for Locust: `locust -f loadtest/locustfile.py --host URL` (see docs/loadtests.md)."""

from locust import events

from loadtest.people.crowd import Crowd, install
from loadtest.people.users import ClientUser, DetectionUser, OperatorUser

__all__ = ["ClientUser", "Crowd", "DetectionUser", "OperatorUser"]

install(events)
