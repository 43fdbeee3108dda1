"""How much of plain aio-pika's speed the bus gives to the services."""
