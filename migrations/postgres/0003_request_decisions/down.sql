ALTER TABLE requests RENAME COLUMN decision TO passed_over;
UPDATE requests
SET passed_over = (
    SELECT coalesce(
        jsonb_agg(jsonb_build_object('account_id', item -> 'account_id', 'reason', item -> 'reason') ORDER BY place),
        '[]'
    )
    FROM jsonb_array_elements(passed_over -> 'considered') WITH ORDINALITY AS considered (item, place)
    WHERE item ->> 'reason' IS NOT NULL
);
ALTER TABLE requests DROP COLUMN queued_us;
