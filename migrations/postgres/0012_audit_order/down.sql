DROP TRIGGER audit_log_grows_at_its_end ON audit_log;
DROP FUNCTION audit_log_grows_at_its_end();
