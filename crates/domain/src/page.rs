/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Counts from 1.
    pub page: u32,
    /// How many rows a page holds, 1 to 100.
    pub page_size: u32,
}

impl Page {
    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        i64::from(self.page.saturating_sub(1)) * i64::from(self.page_size)
    }

    /// Rows on this page at the most.
    #[must_use]
    pub fn limit(self) -> i64 {
        i64::from(self.page_size)
    }
}

/// One page of a list, and how long the list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Rows in the whole list.
    pub total: i64,
}
