-- What reads the reports of an account's organisation, sealed for the account; without the sealed credential the other
-- columns are empty too. The ids are the provider's, of that part of the organisation which is the account's.
ALTER TABLE upstream_accounts ADD COLUMN admin_credential_hint text;
ALTER TABLE upstream_accounts ADD COLUMN admin_credential_sealed text;
ALTER TABLE upstream_accounts ADD COLUMN admin_api_key_id text;
ALTER TABLE upstream_accounts ADD COLUMN admin_workspace_id text;
ALTER TABLE upstream_accounts ADD COLUMN admin_project_id text;
