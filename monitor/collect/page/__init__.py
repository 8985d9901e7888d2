"""Web pages: announcements whose network is not known yet."""
