/// How fast a key, a user or an account may be used; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Requests started in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens of every kind, input and output together, in a minute.
    pub tokens_per_minute: Option<u64>,
    /// Input tokens in a minute; those that a prompt cache holds already do not count.
    pub input_tokens_per_minute: Option<u64>,
    /// Output tokens in a minute.
    pub output_tokens_per_minute: Option<u64>,
    /// Requests open at once.
    pub concurrent_requests: Option<u32>,
    /// How many more than `concurrent_requests` may be open for a while; used up, it comes back within a minute.
    pub burst_requests: Option<u32>,
}
