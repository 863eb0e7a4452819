"""What was said before: looked up for each message, and read along while a reply is written."""
