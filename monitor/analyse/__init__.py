"""What the numbers say: pure functions from counts to estimates, each with its uncertainty."""
