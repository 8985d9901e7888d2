"""Bluesky: threads, accounts and searches, as an AppView shows them without login."""
