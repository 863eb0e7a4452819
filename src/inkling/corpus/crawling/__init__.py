"""Posts fetched from where they were published: politely, one request at a time, resumable."""
