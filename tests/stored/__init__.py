"""What earlier releases stored, which every later one has to open."""
