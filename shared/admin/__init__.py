"""What every service tells the people who run it: dead letters and what waits."""
