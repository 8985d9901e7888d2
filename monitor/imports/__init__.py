"""Posts and counters that users bring in files of their own."""
