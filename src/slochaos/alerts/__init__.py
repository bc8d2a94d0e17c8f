"""What other tools need to watch an environment's objectives: Prometheus rules, Alertmanager's routes, a dashboard of
Grafana, an escalation policy of PagerDuty. Reads an Environment and gives text; asks no server and never prints."""
