"""What every room uses: errors, safe text, progress, hashes, private folders, periods."""
