DELETE FROM revisions WHERE kind = 'audit';
DROP TRIGGER audit_log_stays ON audit_log;
DROP FUNCTION audit_log_stays();
DELETE FROM audit_log;
ALTER TABLE audit_log ALTER COLUMN before TYPE jsonb USING before::jsonb;
ALTER TABLE audit_log ALTER COLUMN after TYPE jsonb USING after::jsonb;
