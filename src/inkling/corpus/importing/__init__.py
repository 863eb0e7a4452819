"""What every importer shares: trees of files, detection, encodings, times, names."""
