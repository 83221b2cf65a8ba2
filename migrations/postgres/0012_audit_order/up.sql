-- An entry comes after all others.
CREATE FUNCTION audit_log_grows_at_its_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <= (SELECT max(seq) FROM audit_log) THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_log_grows_at_its_end BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_grows_at_its_end();
