"""What is noted of a use."""
