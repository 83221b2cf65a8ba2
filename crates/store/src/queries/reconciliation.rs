use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use gateway_domain::{AccountId, Nanodollars, Timestamp, TokenCounts};

use super::{Conn, bucket_sql, sum_sql};
use crate::StoreError;
use crate::reconciliation::DailyUsage;
use crate::schema::attempts;
use crate::types::sql::Moment;
use crate::types::{StoredId, StoredTime, uncount};

const DAY: Duration = Duration::from_secs(86_400);
const SUCCEEDED: &str = "http_status BETWEEN 200 AND 299";
const UNREPORTED: &str = "http_status BETWEEN 200 AND 299 AND usage_source <> 'reported'";
const UNPRICED: &str = "cost_nanos IS NULL AND (input_tokens > 0 OR cache_read_tokens > 0 \
                        OR cache_write_5m_tokens > 0 OR cache_write_1h_tokens > 0 OR output_tokens > 0 \
                        OR web_searches > 0)";

pub(crate) async fn daily_usage(
    conn: &mut Conn,
    account: AccountId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<DailyUsage>, StoreError> {
    let counts = [SUCCEEDED, UNREPORTED, UNPRICED]
        .map(|condition| format!("COUNT(CASE WHEN {condition} THEN 1 END)"))
        .join(", ");
    let sums = [
        "input_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "output_tokens",
        "reasoning_tokens",
        "web_searches",
        "cost_nanos",
    ]
    .map(sum_sql)
    .join(", ");
    let day = bucket_sql("started_at", DAY);
    let rows = attempts::table
        .filter(attempts::account_id.eq(StoredId::from(account)))
        .filter(attempts::started_at.ge(StoredTime::from(from)))
        .filter(attempts::started_at.lt(StoredTime::from(to)))
        .group_by(sql::<Text>("1, 2"))
        .order(sql::<Text>("1, 2"))
        .select(sql::<Row>(&format!("{day}, upstream_model, {counts}, {sums}")))
        .load::<Sums>(conn)
        .await?;
    Ok(rows.into_iter().map(DailyUsage::from).collect())
}

type Row = (
    Moment,
    Text,
    (BigInt, BigInt, BigInt),
    (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt),
);

#[derive(Queryable)]
struct Sums {
    day: StoredTime,
    model: String,
    counts: (i64, i64, i64),
    sums: (i64, i64, i64, i64, i64, i64, i64, i64),
}

impl From<Sums> for DailyUsage {
    fn from(row: Sums) -> Self {
        let (requests, unreported_requests, unpriced_requests) = row.counts;
        let (input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, web_searches, cost) =
            row.sums;
        Self {
            day: row.day.into(),
            model: row.model,
            requests: uncount(requests),
            unreported_requests: uncount(unreported_requests),
            unpriced_requests: uncount(unpriced_requests),
            tokens: TokenCounts {
                input: uncount(input),
                cache_read: uncount(cache_read),
                cache_write_5m: uncount(cache_write_5m),
                cache_write_1h: uncount(cache_write_1h),
                output: uncount(output),
                reasoning: uncount(reasoning),
            },
            web_searches: uncount(web_searches),
            cost: Nanodollars::from_nanos(cost),
        }
    }
}
