"""What people read: a run at a glance in the terminal, report.html to forward. Nothing here decides."""
