"""A run from file to verdict: the supervisor's steps, the child that executes, the watch that aborts.

Only the supervisor decides; it touches no target (the guard does) and prints nothing (the CLI does).
"""
