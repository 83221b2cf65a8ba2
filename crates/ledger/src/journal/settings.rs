/// How large a journal and its files may be, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSettings {
    /// A segment that has grown to this is closed, and another begun.
    pub segment_bytes: u64,
    /// All segments together: beyond it only what is [owed](super::Need::Owed) is still taken.
    pub limit_bytes: u64,
    /// Written as zeros ahead of the entries, so that a disk that fills up leaves room for what is owed.
    pub reserve_bytes: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            limit_bytes: 1 << 30,
            reserve_bytes: 2 << 20,
        }
    }
}
