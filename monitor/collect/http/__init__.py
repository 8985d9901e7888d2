"""The one HTTP door: safe addresses, bounded answers, politeness, retries."""
