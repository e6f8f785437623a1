"""What the owner allows: policy.yaml, as far as it is about programs that read."""
