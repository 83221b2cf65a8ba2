-- An entry comes after all others. `INSERT OR REPLACE` goes round the trigger that forbids deletion.
CREATE TRIGGER audit_log_grows_at_its_end BEFORE INSERT ON audit_log
WHEN NEW.seq <= (SELECT max(seq) FROM audit_log)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
