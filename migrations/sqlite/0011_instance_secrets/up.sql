-- Secrets of the installation itself, sealed by the master key, so that they outlive it.
CREATE TABLE instance_secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL
) STRICT;
