"""Measuring: held-out likelihood and, later, everything the report says."""
