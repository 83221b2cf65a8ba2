-- Accounts that are left alone for a while, so that a restart does not ask them too early. No foreign key: an account
-- may be deleted while it rests. The family is empty for a rest of the whole account.
CREATE TABLE account_rests (
    account_id uuid NOT NULL,
    family text NOT NULL,
    class text NOT NULL,
    reason text NOT NULL,
    quota_window text NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, family)
);
