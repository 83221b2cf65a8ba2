-- What operators are told, and how far it has come on its way to the webhook. No foreign keys: an alert outlives what it is
-- about. Of one occasion there is one alert; an alert whose occasion is over, or that has none, has NULL there.
CREATE TABLE alerts (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject_kind text,
    subject_id uuid,
    occasion text,
    payload text NOT NULL,
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    attempts integer NOT NULL CHECK (attempts >= 0),
    delivered_at timestamptz,
    last_error text,
    CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
);
CREATE UNIQUE INDEX alerts_occasion_unique ON alerts (occasion);
CREATE INDEX alerts_by_time ON alerts (created_at, id);
CREATE INDEX alerts_due ON alerts (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
