CREATE TABLE agents (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    model      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tasks (
    id         text PRIMARY KEY,
    agent_id   text NOT NULL REFERENCES agents (id),
    prompt     text NOT NULL,
    status     text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'queued', 'done')),
    result     text,
    run_at     double precision,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX tasks_of_agent ON tasks (agent_id, created_at DESC);

CREATE INDEX tasks_queued ON tasks (run_at) WHERE status = 'queued';

INSERT INTO agents (id, name, model)
SELECT 'agent-' || n, 'Agent ' || n, CASE WHEN n % 3 = 0 THEN 'large' ELSE 'small' END
FROM generate_series(1, 50) AS n;

INSERT INTO tasks (id, agent_id, prompt)
SELECT 'task-' || n, 'agent-' || (1 + n % 50), 'Summarise report ' || n
FROM generate_series(1, 500) AS n;

ANALYZE;
