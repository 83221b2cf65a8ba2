ALTER TABLE requests RENAME COLUMN decision TO passed_over;
UPDATE requests
SET passed_over = (
    SELECT json_group_array(
        json_object('account_id', value ->> 'account_id', 'reason', value ->> 'reason') ORDER BY key
    )
    FROM json_each(passed_over, '$.considered')
    WHERE value ->> 'reason' IS NOT NULL
);
ALTER TABLE requests DROP COLUMN queued_us;
