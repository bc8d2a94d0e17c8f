"""One module per revision, written by hand, never changed after a release."""
