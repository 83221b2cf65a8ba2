-- The chain is made over what is stored, so that documents are kept as they were written.
ALTER TABLE audit_log ALTER COLUMN before TYPE text;
ALTER TABLE audit_log ALTER COLUMN after TYPE text;

-- What is in the log stays as it is.
CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stays();

-- As many entries as there are, so that one that is missing at the end is noticed too.
INSERT INTO revisions (kind, revision) VALUES ('audit', 0);
