"""The only process that touches a target, and everything that ends what it began."""
