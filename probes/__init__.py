"""What benchmarks start inside the platform: filling a data folder, and raw speeds. Not in the wheel."""
