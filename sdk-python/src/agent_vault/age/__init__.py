"""Keys and files in the age format."""
