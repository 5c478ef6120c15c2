"""What the analyst asks, and the words for it."""
