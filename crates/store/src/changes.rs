use gateway_domain::Timestamp;

use crate::Store;
use crate::audit::Actor;

/// Changes in somebody's name: [`Store::by`] makes it.
///
/// Each is written down in the log of who did what, in the transaction that makes it: neither is there without the other.
#[derive(Debug, Clone)]
pub struct Changes<'a> {
    pub(crate) store: &'a Store,
    pub(crate) actor: Actor,
}

/// Who changes something, and when.
pub(crate) type Signature = (Actor, Timestamp);

impl Store {
    /// What can be changed, in the name of `actor`.
    #[must_use]
    pub const fn by(&self, actor: Actor) -> Changes<'_> {
        Changes { store: self, actor }
    }
}

impl Changes<'_> {
    pub(crate) fn signature(&self) -> Signature {
        (self.actor.clone(), self.store.now())
    }
}
