//! The cells of the roll-ups: which there are, and how rows are added up into them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gateway_domain::Timestamp;
use gateway_metering::Sketch;
use uuid::Uuid;

use crate::StoreError;
use crate::bulk::bulk;
use crate::marks::{Counted, Marks, PRICED_BIT, View, bit};
use crate::pieces::Span;
use crate::schema::usage_rollups;
use crate::types::{StoredId, StoredTime, uncount};

/// What a kind of cell tells apart.
///
/// Each report reads the kind with the fewest cells that tell apart what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cube {
    /// All requests.
    Requests,
    /// Requests by model.
    Models,
    /// Requests by user and key.
    Keys,
    /// Requests by user, key and model.
    KeyModels,
    /// Attempts by account, provider and model.
    Accounts,
    /// Attempts by everything.
    KeyAccounts,
}

impl Cube {
    pub(crate) const OF_REQUESTS: [Self; 4] = [Self::Requests, Self::Models, Self::Keys, Self::KeyModels];
    pub(crate) const OF_ATTEMPTS: [Self; 2] = [Self::Accounts, Self::KeyAccounts];
    pub(crate) const ALL: [Self; 6] = [
        Self::Requests,
        Self::Models,
        Self::Keys,
        Self::KeyModels,
        Self::Accounts,
        Self::KeyAccounts,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "all requests",
            Self::Models => "requests by model",
            Self::Keys => "requests by key",
            Self::KeyModels => "requests by key and model",
            Self::Accounts => "attempts by account and model",
            Self::KeyAccounts => "attempts by key, account and model",
        }
    }

    fn narrow(self, subject: Subject<'_>) -> Subject<'_> {
        let has_key = matches!(self, Self::Keys | Self::KeyModels | Self::KeyAccounts);
        let has_model = !matches!(self, Self::Requests | Self::Keys);
        let has_account = matches!(self, Self::Accounts | Self::KeyAccounts);
        Subject {
            user_id: subject.user_id.filter(|_| has_key),
            key_id: subject.key_id.filter(|_| has_key),
            account_id: subject.account_id.filter(|_| has_account),
            provider: subject.provider.filter(|_| has_account),
            model: subject.model.filter(|_| has_model),
        }
    }
}

/// Whose usage a cell adds up, and of what; `None` is not told apart.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    user_id: Option<StoredId>,
    key_id: Option<StoredId>,
    account_id: Option<StoredId>,
    provider: Option<&'a str>,
    model: Option<&'a str>,
}

impl Subject<'_> {
    /// Eleven bytes that no other subject has.
    fn digest(&self) -> [u8; 11] {
        let mut bytes = Vec::with_capacity(96);
        for id in [self.user_id, self.key_id, self.account_id] {
            bytes.extend_from_slice(id.unwrap_or(StoredId(Uuid::nil())).0.as_bytes());
        }
        // No provider has a NUL in its name, and the model comes last.
        bytes.extend_from_slice(self.provider.unwrap_or_default().as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.model.unwrap_or_default().as_bytes());
        let mut start = [0; 11];
        start.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..11]);
        start
    }
}

/// The id of the cell of `cube` that covers `span` at `time`: kind, whole hours since 1970, and what it is about, so that
/// cells of one kind lie in the order of time.
fn cell_id(cube: Cube, span: Span, time: Timestamp, digest: [u8; 11]) -> StoredId {
    const HOUR_MICROS: i64 = 3_600_000_000;
    let hours = span.bucket().start(time).as_micros().div_euclid(HOUR_MICROS) + (1 << 31);
    let hours = u32::try_from(hours.max(0)).unwrap_or(u32::MAX);
    let mut bytes = [0; 16];
    bytes[0] = cube as u8 * 2 + span as u8;
    bytes[1..5].copy_from_slice(&hours.to_be_bytes());
    bytes[5..].copy_from_slice(&digest);
    StoredId(Uuid::from_bytes(bytes))
}

/// The lowest id that a cell of `cube` can have which covers `span` at `time` or later.
pub(crate) fn first_id(cube: Cube, span: Span, time: Timestamp) -> StoredId {
    cell_id(cube, span, time, [0; 11])
}

bulk! {
    pub(crate) struct RollupRow, RollupColumns of usage_rollups, replacing {
        id: StoredId,
        starts_at: StoredTime,
        user_id: Option<StoredId>,
        key_id: Option<StoredId>,
        account_id: Option<StoredId>,
        provider: Option<String>,
        model: Option<String>,
        requests: i64,
        errors: i64,
        unpriced: i64,
        provider_requests: i64,
        provider_errors: i64,
        provider_unpriced: i64,
        account_requests: i64,
        account_errors: i64,
        account_unpriced: i64,
        priced: i64,
        input_tokens: i64,
        cache_read_tokens: i64,
        cache_write_5m_tokens: i64,
        cache_write_1h_tokens: i64,
        output_tokens: i64,
        reasoning_tokens: i64,
        cost_nanos: i64,
        latencies: Vec<u8>,
        ttfts: Vec<u8>,
    }
}

impl RollupRow {
    fn new(id: StoredId, starts_at: Timestamp, subject: Subject<'_>) -> Self {
        Self {
            id,
            starts_at: starts_at.into(),
            user_id: subject.user_id,
            key_id: subject.key_id,
            account_id: subject.account_id,
            provider: subject.provider.map(str::to_owned),
            model: subject.model.map(str::to_owned),
            requests: 0,
            errors: 0,
            unpriced: 0,
            provider_requests: 0,
            provider_errors: 0,
            provider_unpriced: 0,
            account_requests: 0,
            account_errors: 0,
            account_unpriced: 0,
            priced: 0,
            input_tokens: 0,
            cache_read_tokens: 0,
            cache_write_5m_tokens: 0,
            cache_write_1h_tokens: 0,
            output_tokens: 0,
            reasoning_tokens: 0,
            cost_nanos: 0,
            latencies: Vec::new(),
            ttfts: Vec::new(),
        }
    }

    pub(crate) fn cube(&self) -> Option<Cube> {
        let kind = self.id.0.as_bytes()[0] / 2;
        Cube::ALL.into_iter().find(|cube| *cube as u8 == kind)
    }

    pub(crate) fn span(&self) -> Span {
        Span::ALL[usize::from(self.id.0.as_bytes()[0] % 2)]
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            user_id: self.user_id,
            key_id: self.key_id,
            account_id: self.account_id,
            provider: self.provider.as_deref(),
            model: self.model.as_deref(),
        }
    }

    /// The numbers by name, in the order of [`Sums::counts`].
    pub(crate) fn counts(&self) -> [(&'static str, i64); SUMS] {
        [
            ("requests", self.requests),
            ("errors", self.errors),
            ("unpriced", self.unpriced),
            ("provider_requests", self.provider_requests),
            ("provider_errors", self.provider_errors),
            ("provider_unpriced", self.provider_unpriced),
            ("account_requests", self.account_requests),
            ("account_errors", self.account_errors),
            ("account_unpriced", self.account_unpriced),
            ("priced", self.priced),
            ("input_tokens", self.input_tokens),
            ("cache_read_tokens", self.cache_read_tokens),
            ("cache_write_5m_tokens", self.cache_write_5m_tokens),
            ("cache_write_1h_tokens", self.cache_write_1h_tokens),
            ("output_tokens", self.output_tokens),
            ("reasoning_tokens", self.reasoning_tokens),
            ("cost_nanos", self.cost_nanos),
        ]
    }

    fn counts_mut(&mut self) -> [&mut i64; SUMS] {
        [
            &mut self.requests,
            &mut self.errors,
            &mut self.unpriced,
            &mut self.provider_requests,
            &mut self.provider_errors,
            &mut self.provider_unpriced,
            &mut self.account_requests,
            &mut self.account_errors,
            &mut self.account_unpriced,
            &mut self.priced,
            &mut self.input_tokens,
            &mut self.cache_read_tokens,
            &mut self.cache_write_5m_tokens,
            &mut self.cache_write_1h_tokens,
            &mut self.output_tokens,
            &mut self.reasoning_tokens,
            &mut self.cost_nanos,
        ]
    }

    fn add(&mut self, sums: &Sums) {
        for (sum, more) in self.counts_mut().into_iter().zip(sums.counts) {
            *sum = sum.saturating_add(more);
        }
        self.latencies.extend_from_slice(&sums.latencies);
        self.ttfts.extend_from_slice(&sums.ttfts);
    }
}

/// How many numbers a cell has.
const SUMS: usize = 17;

/// What one row, or one cell, adds to a cell.
struct Sums {
    counts: [i64; SUMS],
    /// Encoded sketches.
    latencies: Vec<u8>,
    ttfts: Vec<u8>,
}

/// What is added up of a request or of an attempt, as it is read from its row.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub(crate) started_at: Timestamp,
    pub(crate) user_id: StoredId,
    pub(crate) key_id: StoredId,
    /// Of attempts only, as is the provider.
    pub(crate) account_id: Option<StoredId>,
    pub(crate) provider: Option<String>,
    pub(crate) model: String,
    pub(crate) marks: Marks,
    /// Input, cache read, cache writes for 5 minutes and an hour, output and reasoning.
    pub(crate) tokens: [i64; 6],
    pub(crate) cost_nanos: Option<i64>,
    pub(crate) latency_us: i64,
    pub(crate) ttft_us: Option<i64>,
}

impl Used {
    fn sums(&self) -> Sums {
        let count = |view, counted| self.marks.count(bit(view, counted));
        let [
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
        ] = self.tokens;
        Sums {
            counts: [
                count(View::Request, Counted::All),
                count(View::Request, Counted::Failed),
                count(View::Request, Counted::Unpriced),
                count(View::Provider, Counted::All),
                count(View::Provider, Counted::Failed),
                count(View::Provider, Counted::Unpriced),
                count(View::Account, Counted::All),
                count(View::Account, Counted::Failed),
                count(View::Account, Counted::Unpriced),
                self.marks.count(PRICED_BIT),
                input,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                output,
                reasoning,
                self.cost_nanos.unwrap_or(0),
            ],
            latencies: sketched(Some(self.latency_us)),
            ttfts: sketched(self.ttft_us),
        }
    }
}

fn sketched(micros: Option<i64>) -> Vec<u8> {
    let mut sketch = Sketch::default();
    if let Some(micros) = micros {
        sketch.add(Duration::from_micros(uncount(micros)));
    }
    sketch.encode()
}

/// Cells that are being added up, in the order of their ids: the same order in every transaction.
#[derive(Default)]
pub(crate) struct Cells(BTreeMap<StoredId, RollupRow>);

impl Cells {
    /// Adds a row of usage to every cell that it belongs to, of hours and of days.
    pub(crate) fn add(&mut self, used: &Used) {
        self.add_to(&Span::ALL, used);
    }

    /// Adds a row of usage to the hours that it belongs to.
    pub(crate) fn add_to_hours(&mut self, used: &Used) {
        self.add_to(&[Span::Hour], used);
    }

    fn add_to(&mut self, spans: &[Span], used: &Used) {
        let subject = Subject {
            user_id: Some(used.user_id),
            key_id: Some(used.key_id),
            account_id: used.account_id,
            provider: used.provider.as_deref(),
            model: Some(&used.model),
        };
        let cubes = match used.account_id {
            None => &Cube::OF_REQUESTS[..],
            Some(_) => &Cube::OF_ATTEMPTS[..],
        };
        let sums = used.sums();
        for cube in cubes {
            self.add_sums(*cube, spans, used.started_at, cube.narrow(subject), &sums);
        }
    }

    fn add_sums(&mut self, cube: Cube, spans: &[Span], time: Timestamp, subject: Subject<'_>, sums: &Sums) {
        let digest = subject.digest();
        for span in spans {
            let id = cell_id(cube, *span, time, digest);
            let cell = self.0.entry(id);
            cell.or_insert_with(|| RollupRow::new(id, span.bucket().start(time), subject))
                .add(sums);
        }
    }

    /// Adds an hour to its day.
    pub(crate) fn add_to_day(&mut self, hour: &RollupRow) {
        if let Some(cube) = hour.cube() {
            let time = hour.starts_at.into();
            self.add_sums(cube, &[Span::Day], time, hour.subject(), &Sums::of(hour));
        }
    }

    /// Adds what a cell already holds, if it is one of these.
    pub(crate) fn add_stored(&mut self, stored: &RollupRow) {
        if let Some(cell) = self.0.get_mut(&stored.id) {
            cell.add(&Sums::of(stored));
        }
    }

    pub(crate) fn ids(&self) -> Vec<StoredId> {
        self.0.keys().copied().collect()
    }

    /// The cells in the order of their ids, their sketches as short as can be.
    pub(crate) fn into_rows(self) -> Result<Vec<RollupRow>, StoreError> {
        let shortened = self.0.into_values().map(|mut cell| {
            for bytes in [&mut cell.latencies, &mut cell.ttfts] {
                *bytes = Sketch::decode(bytes).map_err(StoreError::other)?.encode();
            }
            Ok(cell)
        });
        shortened.collect()
    }
}

impl Sums {
    fn of(cell: &RollupRow) -> Self {
        Self {
            counts: cell.counts().map(|(_, count)| count),
            latencies: cell.latencies.clone(),
            ttfts: cell.ttfts.clone(),
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = [
            ("user", self.user_id),
            ("key", self.key_id),
            ("account", self.account_id),
        ];
        let ids = ids
            .into_iter()
            .filter_map(|(name, id)| Some(format!("{name} {}", id?.0)));
        let words = [("provider", self.provider), ("model", self.model)];
        let words = words
            .into_iter()
            .filter_map(|(name, word)| Some(format!("{name} {}", word?)));
        f.write_str(&ids.chain(words).collect::<Vec<_>>().join(", "))
    }
}

impl RollupRow {
    /// What the cell is about, for a person.
    pub(crate) fn about(&self) -> String {
        self.subject().to_string()
    }
}
