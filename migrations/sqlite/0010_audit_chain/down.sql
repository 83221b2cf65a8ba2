DELETE FROM revisions WHERE kind = 'audit';
DROP TRIGGER audit_log_is_not_changed;
DROP TRIGGER audit_log_is_not_deleted;
DELETE FROM audit_log;
