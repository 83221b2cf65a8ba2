-- Secrets of the installation itself, sealed by the master key, so that they outlive it.
CREATE TABLE instance_secrets (
    name text PRIMARY KEY,
    sealed text NOT NULL
);
