//! Two counts of the same usage, side by side.

use std::collections::{BTreeMap, BTreeSet};

use gateway_domain::{Nanodollars, Timestamp, TokenCounts};
use gateway_proxy::OrganizationReport;
use gateway_store::DailyUsage;

/// What was recorded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ours {
    pub(crate) requests: u64,
    pub(crate) unreported_requests: u64,
    pub(crate) unpriced_requests: u64,
    pub(crate) tokens: TokenCounts,
    pub(crate) web_searches: u64,
    pub(crate) cost: Nanodollars,
}

/// What the provider counted; `None` for what it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Theirs {
    pub(crate) requests: Option<u64>,
    pub(crate) tokens: Option<TokenCounts>,
    pub(crate) web_searches: Option<u64>,
    pub(crate) cost: Option<Nanodollars>,
}

/// Both counts of a day and a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// When the day begins, in UTC.
    pub(crate) day: Timestamp,
    /// `None` for what the provider charges by itself.
    pub(crate) model: Option<String>,
    pub(crate) ours: Ours,
    /// `None` when the provider lists nothing of the kind, which counts as nothing used.
    pub(crate) theirs: Option<Theirs>,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reconciliation {
    /// In the order of days and models.
    pub(crate) rows: Vec<Row>,
    pub(crate) ours: Ours,
    pub(crate) theirs: Theirs,
    /// What the provider says at all: zeros where it does, and `None` where not.
    pub(crate) nothing: Theirs,
}

impl Reconciliation {
    /// Puts rows together that are about the same day and model.
    ///
    /// A provider bills the dated release of a model that is asked for by another name. `listed` knows which names are
    /// of one model.
    pub(crate) fn of(
        ours: Vec<DailyUsage>,
        theirs: OrganizationReport,
        listed: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let nothing = Theirs {
            requests: said(theirs.usage.iter().map(|line| line.requests)),
            tokens: Some(TokenCounts::default()),
            web_searches: said(theirs.usage.iter().map(|line| line.web_searches)),
            cost: theirs.costs.as_ref().map(|_| Nanodollars::ZERO),
        };
        let mut days: BTreeMap<Timestamp, Day> = BTreeMap::new();
        for usage in ours {
            let day = days.entry(usage.day).or_default();
            day.ours
                .entry(usage.model.clone())
                .or_default()
                .add(&Ours::from(usage));
        }
        for line in theirs.usage {
            let used = Theirs {
                requests: line.requests,
                tokens: Some(line.tokens),
                web_searches: line.web_searches,
                cost: None,
            };
            let day = days.entry(line.day).or_default();
            day.used.entry(line.model).or_default().add(&used);
        }
        for line in theirs.costs.into_iter().flatten() {
            let charged = Theirs {
                cost: Some(line.cost),
                ..Theirs::default()
            };
            let day = days.entry(line.day).or_default();
            day.charged.entry(line.model).or_default().add(&charged);
        }
        let rows: Vec<Row> = days
            .into_iter()
            .flat_map(|(start, day)| day.into_rows(start, &listed))
            .collect();
        let (mut ours, mut theirs) = (Ours::default(), nothing);
        for row in &rows {
            ours.add(&row.ours);
            theirs.add(&row.theirs.unwrap_or_default());
        }
        Self {
            rows,
            ours,
            theirs,
            nothing,
        }
    }
}

/// Zero if anything is said at all.
fn said(mut counts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    counts.any(|count| count.is_some()).then_some(0)
}

/// One day by the names that each count has for the models.
#[derive(Debug, Default)]
struct Day {
    ours: BTreeMap<String, Ours>,
    used: BTreeMap<Option<String>, Theirs>,
    charged: BTreeMap<Option<String>, Theirs>,
}

impl Day {
    fn into_rows(self, day: Timestamp, listed: &impl Fn(&str) -> Option<String>) -> Vec<Row> {
        let names = self.common_names(listed);
        let common = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
        let mut rows: BTreeMap<Option<String>, (Ours, Option<Theirs>)> = BTreeMap::new();
        for (name, ours) in self.ours {
            rows.entry(Some(common(&name))).or_default().0.add(&ours);
        }
        for (name, theirs) in self.used.into_iter().chain(self.charged) {
            let (_, sum) = rows.entry(name.as_deref().map(common)).or_default();
            sum.get_or_insert_default().add(&theirs);
        }
        // What is of no model comes last.
        let unnamed = rows.remove(&None);
        rows.into_iter()
            .chain(unnamed.map(|sums| (None, sums)))
            .map(|(model, (ours, theirs))| Row {
                day,
                model,
                ours,
                theirs,
            })
            .collect()
    }

    /// What to call models that do not have the same names in all counts.
    ///
    /// Names that are found in the other count are left as they are. Where one is not, all names of that model are
    /// taken for one: the provider may have counted under any of them.
    fn common_names(&self, listed: &impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
        let used: BTreeSet<&str> = self.used.keys().flatten().map(String::as_str).collect();
        let charged: BTreeSet<&str> = self.charged.keys().flatten().map(String::as_str).collect();
        let ours: BTreeSet<&str> = self.ours.keys().map(String::as_str).collect();
        let mut models: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for name in ours.union(&used).copied().chain(charged.iter().copied()) {
            if let Some(id) = listed(name) {
                models.entry(id).or_default().insert(name);
            }
        }
        let mut common = BTreeMap::new();
        for (id, names) in models {
            let of = |count: &BTreeSet<&str>| names.iter().any(|name| count.contains(name));
            let covers = |count: &BTreeSet<&str>, other: &BTreeSet<&str>| {
                let mut named = names.iter().filter(|name| other.contains(*name));
                !of(count) || named.all(|name| count.contains(name))
            };
            let counted = if of(&used) { &used } else { &charged };
            if !covers(counted, &ours) || !covers(&used, &charged) {
                common.extend(names.into_iter().map(|name| (name.to_owned(), id.clone())));
            }
        }
        common
    }
}

impl Ours {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.unreported_requests += other.unreported_requests;
        self.unpriced_requests += other.unpriced_requests;
        self.tokens = sum(&self.tokens, &other.tokens);
        self.web_searches += other.web_searches;
        self.cost += other.cost;
    }
}

impl From<DailyUsage> for Ours {
    fn from(usage: DailyUsage) -> Self {
        Self {
            requests: usage.requests,
            unreported_requests: usage.unreported_requests,
            unpriced_requests: usage.unpriced_requests,
            tokens: usage.tokens,
            web_searches: usage.web_searches,
            cost: usage.cost,
        }
    }
}

impl Theirs {
    fn add(&mut self, other: &Self) {
        self.requests = either(self.requests, other.requests, u64::saturating_add);
        self.tokens = either(self.tokens, other.tokens, |one, other| sum(&one, &other));
        self.web_searches = either(self.web_searches, other.web_searches, u64::saturating_add);
        self.cost = either(self.cost, other.cost, |one, other| one + other);
    }
}

/// What is said by one or by both.
fn either<T>(one: Option<T>, other: Option<T>, add: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(add(one, other)),
        (one, other) => one.or(other),
    }
}

const fn sum(one: &TokenCounts, other: &TokenCounts) -> TokenCounts {
    TokenCounts {
        input: one.input.saturating_add(other.input),
        cache_read: one.cache_read.saturating_add(other.cache_read),
        cache_write_5m: one.cache_write_5m.saturating_add(other.cache_write_5m),
        cache_write_1h: one.cache_write_1h.saturating_add(other.cache_write_1h),
        output: one.output.saturating_add(other.output),
        reasoning: one.reasoning.saturating_add(other.reasoning),
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::{Nanodollars, Timestamp, TokenCounts};
    use gateway_providers::{CostLine, UsageLine};
    use gateway_proxy::OrganizationReport;
    use gateway_store::DailyUsage;

    use super::Reconciliation;

    fn input(tokens: u64) -> TokenCounts {
        TokenCounts {
            input: tokens,
            ..TokenCounts::default()
        }
    }

    fn ours(model: &str, tokens: u64) -> DailyUsage {
        DailyUsage {
            day: Timestamp::default(),
            model: model.to_owned(),
            requests: 1,
            unreported_requests: 0,
            unpriced_requests: 0,
            tokens: input(tokens),
            web_searches: 0,
            cost: Nanodollars::from_nanos(1),
        }
    }

    fn used(model: &str, tokens: u64) -> UsageLine {
        UsageLine {
            day: Timestamp::default(),
            model: Some(model.to_owned()),
            tokens: input(tokens),
            web_searches: None,
            requests: Some(1),
        }
    }

    fn charged(model: Option<&str>, nanos: i64) -> CostLine {
        CostLine {
            day: Timestamp::default(),
            model: model.map(str::to_owned),
            cost: Nanodollars::from_nanos(nanos),
        }
    }

    /// `gpt-4o` and its releases are one model, and nothing else is known.
    fn listed(name: &str) -> Option<String> {
        name.starts_with("gpt-4o").then(|| "gpt-4o".to_owned())
    }

    /// Model, our input tokens, theirs, and their cost.
    type Seen = (Option<String>, u64, Option<u64>, Option<i64>);

    fn seen(ours: Vec<DailyUsage>, usage: Vec<UsageLine>, costs: Vec<CostLine>) -> Vec<Seen> {
        let report = OrganizationReport {
            usage,
            costs: Some(costs),
        };
        let reconciliation = Reconciliation::of(ours, report, listed);
        let rows = reconciliation.rows.into_iter();
        rows.map(|row| {
            let theirs = row.theirs.unwrap_or_default();
            (
                row.model,
                row.ours.tokens.input,
                theirs.tokens.map(|tokens| tokens.input),
                theirs.cost.map(Nanodollars::as_nanos),
            )
        })
        .collect()
    }

    fn row(model: &str, ours: u64, theirs: Option<u64>, cost: Option<i64>) -> Seen {
        (Some(model.to_owned()), ours, theirs, cost)
    }

    #[test]
    fn the_same_name_is_the_same_model() {
        let found = seen(
            vec![ours("gpt-4o-2024-08-06", 5), ours("m", 7)],
            vec![
                used("gpt-4o-2024-08-06", 5),
                used("gpt-4o-2024-11-20", 9),
                used("m", 7),
            ],
            vec![charged(Some("m"), 3), charged(Some("m"), 4), charged(None, 2)],
        );
        assert_eq!(
            found,
            [
                row("gpt-4o-2024-08-06", 5, Some(5), None),
                row("gpt-4o-2024-11-20", 0, Some(9), None),
                row("m", 7, Some(7), Some(7)),
                (None, 0, None, Some(2)),
            ]
        );
    }

    #[test]
    fn a_name_that_the_other_does_not_have_joins_those_of_its_model() {
        let found = seen(
            vec![ours("gpt-4o", 10), ours("gpt-4o-2024-08-06", 5), ours("n", 1)],
            vec![used("gpt-4o-2024-08-06", 15), used("m", 7)],
            vec![charged(Some("gpt-4o-2024-08-06"), 8)],
        );
        assert_eq!(
            found,
            [
                row("gpt-4o", 15, Some(15), Some(8)),
                row("m", 0, Some(7), None),
                row("n", 1, None, None),
            ]
        );
        let of_costs_only = seen(
            vec![ours("gpt-4o", 10)],
            vec![],
            vec![charged(Some("gpt-4o-2024-08-06"), 8)],
        );
        assert_eq!(of_costs_only, [row("gpt-4o", 10, None, Some(8))]);
        let costs_by_another_name = seen(
            vec![ours("gpt-4o-2024-08-06", 10)],
            vec![used("gpt-4o-2024-08-06", 10)],
            vec![charged(Some("gpt-4o"), 8)],
        );
        assert_eq!(costs_by_another_name, [row("gpt-4o", 10, Some(10), Some(8))]);
    }

    #[test]
    fn a_report_that_is_not_there_yet_joins_nothing() {
        let found = seen(
            vec![ours("gpt-4o", 10), ours("gpt-4o-2024-08-06", 5)],
            vec![],
            vec![],
        );
        assert_eq!(
            found,
            [
                row("gpt-4o", 10, None, None),
                row("gpt-4o-2024-08-06", 5, None, None)
            ]
        );
    }

    #[test]
    fn sums_say_what_the_provider_says() {
        let report = OrganizationReport {
            usage: vec![used("m", 7), used("m", 1)],
            costs: None,
        };
        let sums = Reconciliation::of(vec![ours("m", 7)], report, listed);
        assert_eq!((sums.ours.requests, sums.theirs.requests), (1, Some(2)));
        assert_eq!(sums.theirs.tokens, Some(input(8)));
        assert_eq!((sums.theirs.web_searches, sums.theirs.cost), (None, None));
        let report = OrganizationReport {
            usage: vec![],
            costs: Some(vec![]),
        };
        let sums = Reconciliation::of(vec![ours("m", 7)], report, listed);
        assert_eq!(sums.theirs.cost, Some(Nanodollars::ZERO));
        assert_eq!((sums.theirs.requests, sums.theirs.tokens), (None, Some(input(0))));
    }
}
