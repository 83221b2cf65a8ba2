-- Accounts that are left alone for a while, so that a restart does not ask them too early. No foreign key: an account
-- may be deleted while it rests. The family is empty for a rest of the whole account.
CREATE TABLE account_rests (
    account_id BLOB NOT NULL CHECK (length(account_id) = 16),
    family TEXT NOT NULL,
    class TEXT NOT NULL,
    reason TEXT NOT NULL,
    quota_window TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, family)
) STRICT;
