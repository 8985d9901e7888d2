"""From the address of an announcement to an event that is followed."""
