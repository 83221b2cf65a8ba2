-- What operators are told, and how far it has come on its way to the webhook. No foreign keys: an alert outlives what it is
-- about. Of one occasion there is one alert; an alert whose occasion is over, or that has none, has NULL there.
CREATE TABLE alerts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    subject_kind TEXT,
    subject_id BLOB CHECK (length(subject_id) = 16),
    occasion TEXT,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    delivered_at INTEGER,
    last_error TEXT,
    CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX alerts_occasion_unique ON alerts (occasion);
CREATE INDEX alerts_by_time ON alerts (created_at, id);
CREATE INDEX alerts_due ON alerts (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
