-- What reads the reports of an account's organisation, sealed for the account; without the sealed credential the other
-- columns are empty too. The ids are the provider's, of that part of the organisation which is the account's.
ALTER TABLE upstream_accounts ADD COLUMN admin_credential_hint TEXT;
ALTER TABLE upstream_accounts ADD COLUMN admin_credential_sealed TEXT;
ALTER TABLE upstream_accounts ADD COLUMN admin_api_key_id TEXT;
ALTER TABLE upstream_accounts ADD COLUMN admin_workspace_id TEXT;
ALTER TABLE upstream_accounts ADD COLUMN admin_project_id TEXT;
