ALTER TABLE upstream_accounts DROP COLUMN admin_project_id;
ALTER TABLE upstream_accounts DROP COLUMN admin_workspace_id;
ALTER TABLE upstream_accounts DROP COLUMN admin_api_key_id;
ALTER TABLE upstream_accounts DROP COLUMN admin_credential_sealed;
ALTER TABLE upstream_accounts DROP COLUMN admin_credential_hint;
