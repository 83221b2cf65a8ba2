-- What is in the log stays as it is.
CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- As many entries as there are, so that one that is missing at the end is noticed too.
INSERT INTO revisions (kind, revision) VALUES ('audit', 0);
