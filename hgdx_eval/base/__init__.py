"""What every room uses: errors, safe text, hashes, private folders, periods."""
