"""WordPress: posts and comments by its REST API."""
