//! The secrets that everything stored depends on: found, generated, or the start is refused.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gateway_auth::looks_like_a_sample;
use rustix::process::geteuid;

use crate::config::{ConfigError, Layers};

/// Bytes below which a secret can be guessed.
const MIN_BYTES: usize = 32;

/// Random bytes of a generated secret.
const GENERATED_BYTES: usize = 48;

struct Secret {
    /// What people call it.
    variable: &'static str,
    /// The setting that holds it.
    key: &'static str,
    /// The setting that names a file that holds it.
    file_key: &'static str,
    /// Its name under the data directory, where it was generated; `None` for one that there need not be.
    generated: Option<&'static str>,
}

const SECRETS: [Secret; 4] = [
    Secret {
        variable: "JWT_SECRET",
        key: "auth.jwt_secret",
        file_key: "secrets.jwt_secret_file",
        generated: Some("jwt-secret"),
    },
    Secret {
        variable: "GATEWAY_MASTER_KEY",
        key: "secrets.master_key",
        file_key: "secrets.master_key_file",
        generated: Some("master-key"),
    },
    Secret {
        variable: "auth.previous_jwt_secret",
        key: "auth.previous_jwt_secret",
        file_key: "secrets.previous_jwt_secret_file",
        generated: None,
    },
    Secret {
        variable: "GATEWAY_OTHER_MASTER_KEY",
        key: "secrets.other_master_key",
        file_key: "secrets.other_master_key_file",
        generated: None,
    },
];

/// Why there is no usable secret, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// Production generates none: an instance that is replaced would lose it.
    #[error(
        "{variable} is not set, and the profile production generates no secrets: \
         keep 32 random bytes or more in a safe place, such as from `openssl rand -base64 48`"
    )]
    Missing { variable: &'static str },
    #[error(
        "{variable} ({origin}) has {bytes} bytes, at least {MIN_BYTES} random ones are needed: \
         `openssl rand -base64 48` makes some"
    )]
    Short {
        variable: &'static str,
        origin: String,
        bytes: usize,
    },
    #[error(
        "{variable} ({origin}) looks like a sample that others know: `openssl rand -base64 48` makes a secret one"
    )]
    Sample { variable: &'static str, origin: String },
    #[error("{key} and {file_key} are both set: which one is meant?")]
    Twice {
        key: &'static str,
        file_key: &'static str,
    },
    #[error("{file} can be read by others (mode {mode:03o}): chmod 600 {file}")]
    Open { file: String, mode: u32 },
    #[error(
        "{file} belongs to another user (uid {owner}), who can change it: chown it to the one that runs the gateway"
    )]
    Foreign { file: String, owner: u32 },
    #[error("{file} cannot be read")]
    File { file: String, source: io::Error },
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The layers with all secrets in them: those given, those in files, and outside of production generated ones.
///
/// # Errors
///
/// When one is short or its file is unreadable, or readable by others; in production also when it is missing or a
/// sample.
pub(crate) fn resolve(mut layers: Layers) -> Result<Layers, SecretError> {
    for secret in &SECRETS {
        layers = secret.lay(layers, Absent::Generate)?;
        secret.check(&layers)?;
    }
    Ok(layers)
}

/// The layers with the secrets that there are; for looking only.
///
/// # Errors
///
/// When a file is unreadable, or readable by others.
pub(crate) fn find(mut layers: Layers) -> Result<Layers, SecretError> {
    for secret in &SECRETS {
        layers = secret.lay(layers, Absent::Leave)?;
    }
    Ok(layers)
}

/// The layers with the secrets that there are, each of which can be used; for commands that need them.
///
/// # Errors
///
/// As [`resolve`].
pub(crate) fn resolve_given(layers: Layers) -> Result<Layers, SecretError> {
    let layers = find(layers)?;
    for secret in &SECRETS {
        secret.check(&layers)?;
    }
    Ok(layers)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Generate,
    Leave,
}

impl Secret {
    fn lay(&self, layers: Layers, absent: Absent) -> Result<Layers, SecretError> {
        let file = layers.text(self.file_key).map(PathBuf::from);
        match (layers.text(self.key), file) {
            (Some(_), None) => Ok(layers),
            (Some(_), Some(_)) => Err(SecretError::Twice {
                key: self.key,
                file_key: self.file_key,
            }),
            (None, Some(file)) => self.lay_file(layers, &file),
            (None, None) => {
                let Some(generated) = self.generated.filter(|_| !layers.profile.is_production()) else {
                    return Ok(layers);
                };
                let folder =
                    PathBuf::from(layers.text("server.data_dir").unwrap_or_default()).join("secrets");
                let file = folder.join(generated);
                if !file.exists() {
                    if absent == Absent::Leave {
                        return Ok(layers);
                    }
                    generate(&folder, &file).map_err(|source| unusable(&file, source))?;
                }
                self.lay_file(layers, &file)
            }
        }
    }

    fn lay_file(&self, layers: Layers, file: &Path) -> Result<Layers, SecretError> {
        let text = read_private(file)?;
        Ok(layers.with(self.key, text.trim(), &file.display().to_string())?)
    }

    fn check(&self, layers: &Layers) -> Result<(), SecretError> {
        let variable = self.variable;
        let Some(value) = layers.text(self.key) else {
            return match self.generated {
                None => Ok(()),
                Some(_) => Err(SecretError::Missing { variable }),
            };
        };
        let origin = layers.origin(self.key).unwrap_or_default();
        if value.len() < MIN_BYTES {
            return Err(SecretError::Short {
                variable,
                origin,
                bytes: value.len(),
            });
        }
        if layers.profile.is_production() && looks_like_a_sample(&value) {
            return Err(SecretError::Sample { variable, origin });
        }
        Ok(())
    }
}

fn unusable(file: &Path, source: io::Error) -> SecretError {
    SecretError::File {
        file: file.display().to_string(),
        source,
    }
}

/// The text of a file that nobody but its owner may read.
///
/// # Errors
///
/// When it cannot be read, or others can.
pub(crate) fn read_private(file: &Path) -> Result<String, SecretError> {
    // Opened once: what is looked at is what is read, whatever the name stands for by then.
    let read = |file: &Path| -> io::Result<(fs::Metadata, String)> {
        let mut opened = File::open(file)?;
        let metadata = opened.metadata()?;
        let mut text = String::new();
        opened.read_to_string(&mut text)?;
        Ok((metadata, text))
    };
    let (metadata, text) = read(file).map_err(|error| unusable(file, error))?;
    let file = || file.display().to_string();
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Open { file: file(), mode });
    }
    let owner = metadata.uid();
    if !is_trusted(owner, geteuid().as_raw()) {
        return Err(SecretError::Foreign { file: file(), owner });
    }
    Ok(text)
}

/// Whether who owns a file may say what the secrets of the process of this user are. Secrets that an orchestrator mounts are
/// root's.
const fn is_trusted(owner: u32, user: u32) -> bool {
    owner == user || owner == 0
}

/// Writes random hexadecimal digits into `file`, unless another process was faster.
fn generate(folder: &Path, file: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut random = File::open("/dev/urandom")?;
    let text = hexadecimal::<GENERATED_BYTES>(&mut random)?;
    // Written aside and linked, so that nobody ever reads half of it. Its name is that of nobody else's: in containers all
    // processes have the same number, and one may have been killed here.
    let aside = file.with_extension(format!("{}.new", hexadecimal::<8>(&mut random)?));
    let mut private = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    private.write_all(text.as_bytes())?;
    private.sync_all()?;
    let linked = fs::hard_link(&aside, file);
    fs::remove_file(&aside)?;
    File::open(folder)?.sync_all()?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn hexadecimal<const BYTES: usize>(random: &mut impl Read) -> io::Result<String> {
    let mut bytes = [0; BYTES];
    random.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_is_private_random_and_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data/secrets");
        let (one, other) = (folder.join("one"), folder.join("other"));
        generate(&folder, &one).unwrap();
        generate(&folder, &other).unwrap();

        let first = read_private(&one).unwrap();
        assert_eq!(first.len(), 2 * GENERATED_BYTES);
        assert!(!looks_like_a_sample(&first));
        assert_ne!(first, read_private(&other).unwrap());
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);

        generate(&folder, &one).unwrap();
        assert_eq!(read_private(&one).unwrap(), first);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        for (owner, user, expected) in [
            (0, 0, true),
            (0, 1000, true),
            (1000, 1000, true),
            (1000, 0, false),
            (1000, 1001, false),
        ] {
            assert_eq!(is_trusted(owner, user), expected, "{owner} {user}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("key");
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_private(&file).unwrap_err().to_string();
        assert!(
            error.contains("mode 640") && error.contains("chmod 600"),
            "{error}"
        );
    }
}
