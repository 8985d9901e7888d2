"""Hacker News: threads, accounts and searches, from Algolia's index and the site's own API."""
