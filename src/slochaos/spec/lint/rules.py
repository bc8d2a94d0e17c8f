"""The rules that findings name, each with a sentence: what SARIF and the README list."""

from __future__ import annotations

RULES = {
    "invalid": "the file does not validate",
    "target-not-allowed": "the environment does not list what a fault is aimed at",
    "foreign-action": "the environment does not list an action that slochaos cannot undo",
    "caps": "a fault is longer, or more faults overlap, than the environment allows",
    "protected": "a fault would outlive this host in a protected environment",
    "openslo-lenient": "a mistake of published OpenSLO documents, which the lenient profile takes",
    "minutes-disagree": "minutes in a description are not what the target allows",
    "client-errors-counted": "requests that the client got wrong (4xx) count as failures",
    "fast-failures-counted": "requests that failed fast count as good latency",
    "burn-unreachable": "an alert asks for a burn rate that the objective cannot have",
    "alert-reversed": "an alert holds while little of the budget is burnt",
    "alert-silent": "an alert policy tells nobody of anything",
    "page-on-course": "somebody is woken although the budget lasts",
    "few-scrapes": "a window holds fewer than four readings of its source",
    "window-blind": "a window that cannot see the fault",
    "alert-untested": "a fault too short for an alert, even if everything fails",
    "hypothesis-vacuous": "a hypothesis, or an experiment, that nothing can refute",
    "hypothesis-disagrees": "a hypothesis that asks for something else than the objective's rule",
    "toxicity-small-pool": "a share of connections, of which a small pool may have none",
    "bucket-missing": "the histogram has no bucket at the threshold",
    "target-never-reached": "a target that none of the last 30 days reached",
}
