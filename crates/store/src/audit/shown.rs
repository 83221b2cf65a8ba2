use serde_json::Value;

use super::{AuditTarget, Document};
use crate::StoreError;

/// A row of which the log may tell.
pub(crate) trait Shown {
    /// What it is a row of.
    const KIND: AuditTarget;

    /// Which one it is.
    fn name(&self) -> String;

    /// All of it that is no secret.
    fn shown(&self) -> Result<Document, StoreError>;

    /// What is secret, by its name: the log tells only that it has changed.
    fn secrets(&self) -> Vec<(&'static str, Option<&[u8]>)>;
}

/// What the log tells of a change: all that is not the same any more, as it was and as it is.
pub(crate) fn difference<T: Shown>(before: &T, after: &T) -> Result<(Document, Document), StoreError> {
    let (mut was, mut is) = (before.shown()?, after.shown()?);
    let same: Vec<String> = is
        .iter()
        .filter(|(name, value)| was.get(*name) == Some(*value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in same {
        was.remove(&name);
        is.remove(&name);
    }
    for ((name, before), (_, after)) in before.secrets().into_iter().zip(after.secrets()) {
        if before != after {
            let told = if after.is_some() { "changed" } else { "removed" };
            is.insert(name.to_owned(), told.into());
        }
    }
    Ok((was, is))
}

/// The members of an object.
pub(crate) fn document(value: Value) -> Result<Document, StoreError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(StoreError::other("not an object")),
    }
}
