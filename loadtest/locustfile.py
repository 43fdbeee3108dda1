"""People who use the platform, for Locust: `locust -f loadtest/locustfile.py --host URL` (see docs/loadtests.md)."""

from locust import events

from loadtest.people.clients import ClientUser
from loadtest.people.crowd import Crowd, install
from loadtest.people.detectors import DetectionUser
from loadtest.people.operators import OperatorUser

__all__ = ["ClientUser", "Crowd", "DetectionUser", "OperatorUser"]

install(events)
