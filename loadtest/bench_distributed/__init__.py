"""What the distributed platform costs: requests, processors, and what it asks of MongoDB."""
