"""Mastodon and other ActivityPub servers with its API: threads, accounts, hashtags."""
