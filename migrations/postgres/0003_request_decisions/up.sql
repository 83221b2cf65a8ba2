-- How the accounts were weighed, where there were only those that were passed over. The document is JSON's null for
-- requests that were refused before, and for older ones of which nothing is known.
ALTER TABLE requests RENAME COLUMN passed_over TO decision;
ALTER TABLE requests
    ALTER COLUMN decision TYPE jsonb USING
        CASE WHEN decision = '[]' THEN 'null' ELSE jsonb_build_object('considered', decision) END,
    ADD COLUMN queued_us bigint NOT NULL DEFAULT 0;
