"""What people write: all parsing and all input checks. Opens files, and nothing else."""
