"""`quorate republish`: what a service must have told the others, told anew."""

import click

from quorate.becoming import become

SERVICES = ("accounts", "subtask_manager", "task_manager")


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
def republish(service: str) -> None:
    """Tell the other services anew what a lost broker held.

    Reads all that a service keeps, and publishes what the others must have heard of it; what they have heard already
    changes nothing. It may run while people work, and again. The servers are those of QUORATE_MONGO_URL,
    QUORATE_MONGO_DATABASE and QUORATE_AMQP_URL, as the service has them.
    """
    become(f"services.{service}", "republish", needs="pymongo")
