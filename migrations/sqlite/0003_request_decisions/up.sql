-- How the accounts were weighed, where there were only those that were passed over. The document is JSON's null for
-- requests that were refused before, and for older ones of which nothing is known.
ALTER TABLE requests RENAME COLUMN passed_over TO decision;
ALTER TABLE requests ADD COLUMN queued_us INTEGER NOT NULL DEFAULT 0;
UPDATE requests
SET decision = CASE WHEN decision = '[]' THEN 'null' ELSE json_object('considered', json(decision)) END;
