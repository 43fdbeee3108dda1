"""Programs that ask the detector."""

from locust.env import Environment

from loadtest.people.person import Person
from loadtest.people.recording import Stopwatch, WrongAnswer


class DetectionUser(Person):
    """Asks the detector what it sees in one picture after the other."""

    kind = "detector"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._at = self.crowd.number(self.kind) * 7  # not all begin with the same picture

    def work(self, watch: Stopwatch) -> str:
        self._at += 1
        asked = f"{self.name}-{self._at}"
        with watch:
            answered = self.client.detect(self.crowd.pictures[self._at % len(self.crowd.pictures)], asked)["id"]
        if answered != asked:
            raise WrongAnswer(f"asked about {asked}, answered about {answered}")
        return self.kind
