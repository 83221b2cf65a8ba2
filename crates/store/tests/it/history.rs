use gateway_auth::Scope;
use gateway_domain::{FaultClass, Nanodollars, RequestId, UserId};
use gateway_metering::{AttemptRecord, Outcome, RequestRecord};
use gateway_store::{Cursor, RecordedAttempt, UsageFilter};

use crate::fixture::{START, check, seconds, time};
use crate::recording::{everything, records};

fn recorded(request: &RequestRecord, attempt: &AttemptRecord) -> RecordedAttempt {
    let attempt = attempt.clone();
    RecordedAttempt {
        id: attempt.id,
        request_id: request.id,
        number: attempt.number,
        started_at: attempt.started_at,
        user_id: request.user_id,
        key_id: request.key_id,
        account_id: attempt.account_id,
        provider: attempt.provider.as_str().to_owned(),
        model: request.model.clone(),
        upstream_model: attempt.upstream_model,
        status: attempt.status,
        http_status: attempt.http_status,
        fault: attempt.fault.map(|fault| fault.as_str().to_owned()),
        fault_reason: attempt.fault_reason,
        usage: attempt.usage,
        usage_source: attempt.usage_source.as_str().to_owned(),
        cost: attempt.cost,
        price_version: attempt.price_version,
        latency: attempt.latency,
        ttft: attempt.ttft,
        upstream_request_id: attempt.upstream_request_id,
        upstream_message_id: attempt.upstream_message_id,
    }
}

#[tokio::test]
async fn a_request_is_found_with_all_that_was_recorded_of_it_and_by_its_owner_only() {
    check(async |fixture| {
        let records = records(20, 20);
        fixture.store.record_usage(records.clone()).await.unwrap();
        for record in &records {
            let found = fixture
                .store
                .find_request(Scope::Only(record.user_id), record.id)
                .await;
            let found = found.unwrap().unwrap();
            assert_eq!(found.decision, record.decision);
            let attempts: Vec<_> = record
                .attempts
                .iter()
                .map(|attempt| recorded(record, attempt))
                .collect();
            assert_eq!(found.attempts, attempts);
            let request = found.request;
            assert_eq!((request.id, request.started_at), (record.id, record.started_at));
            assert_eq!((request.user_id, request.key_id), (record.user_id, record.key_id));
            assert_eq!(
                (request.dialect.as_str(), &request.model),
                ("anthropic", &record.model)
            );
            assert_eq!((request.stream, request.status), (record.stream, record.status));
            assert_eq!(
                (request.http_status, request.latency),
                (record.http_status, record.latency)
            );
            assert_eq!((request.ttft, request.queued), (record.ttft, record.queued));
            assert_eq!(request.tokens, record.tokens());
            assert_eq!(
                (request.cost, request.attempts as usize),
                (record.cost(), record.attempts.len())
            );
            assert_eq!(request.fault.as_deref(), record.fault.map(FaultClass::as_str));
            for scope in [Scope::Only(UserId::random()), Scope::Everyone] {
                let foreign = fixture.store.find_request(scope, record.id).await.unwrap();
                assert_eq!(foreign.is_some(), scope == Scope::Everyone);
            }
        }
        assert_eq!(
            fixture
                .store
                .find_request(Scope::Everyone, RequestId::random())
                .await
                .unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn requests_are_listed_newest_first_without_repeating_or_missing_one() {
    check(async |fixture| {
        let mut records = records(21, 100);
        // Many at the same moment, so that the id decides.
        for record in records.iter_mut().take(60) {
            record.started_at = time(START);
        }
        fixture.store.record_usage(records.clone()).await.unwrap();
        let some = records.iter().find(|record| record.attempts.len() > 1).unwrap();
        let with_account = UsageFilter {
            account_id: Some(some.attempts[0].account_id),
            ..everything()
        };
        let with_both = UsageFilter {
            provider: Some(some.attempts[0].provider),
            ..with_account.clone()
        };
        let own = UsageFilter {
            scope: Scope::Only(some.user_id),
            ..everything()
        };
        let recent = UsageFilter {
            from: time(START) - seconds(86_400),
            ..everything()
        };
        for (filter, status) in [
            (everything(), None),
            (everything(), Some(Outcome::Interrupted)),
            (own, None),
            (recent, Some(Outcome::Ok)),
            (with_account, None),
            (with_both, None),
        ] {
            let mut expected: Vec<_> = records
                .iter()
                .filter(|record| {
                    status.is_none_or(|status| status == record.status)
                        && record.started_at >= filter.from
                        && match filter.scope {
                            Scope::Everyone => true,
                            Scope::Only(user) => user == record.user_id,
                        }
                        && ((filter.account_id.is_none() && filter.provider.is_none())
                            || record.attempts.iter().any(|attempt| {
                                filter
                                    .account_id
                                    .is_none_or(|account| account == attempt.account_id)
                                    && filter
                                        .provider
                                        .is_none_or(|provider| provider == attempt.provider)
                            }))
                })
                .map(|record| (record.started_at, record.id))
                .collect();
            expected.sort_unstable();
            expected.reverse();
            let mut found = Vec::new();
            let mut cursor: Option<Cursor> = None;
            loop {
                let page = fixture
                    .store
                    .list_requests(filter.clone(), status, cursor, 7)
                    .await
                    .unwrap();
                found.extend(
                    page.items
                        .into_iter()
                        .map(|request| (request.started_at, request.id)),
                );
                match page.next {
                    // Through its word, as a client sends it back.
                    Some(next) => cursor = Some(next.to_string().parse().unwrap()),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{filter:?} {status:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_export_has_every_attempt_once_oldest_first() {
    check(async |fixture| {
        let records = records(22, 100);
        fixture.store.record_usage(records.clone()).await.unwrap();
        let some = records.iter().find(|record| record.attempts.len() > 1).unwrap();
        for filter in [
            everything(),
            UsageFilter {
                scope: Scope::Only(some.user_id),
                ..everything()
            },
            UsageFilter {
                account_id: Some(some.attempts[0].account_id),
                ..everything()
            },
        ] {
            let mut expected: Vec<_> = records
                .iter()
                .flat_map(|record| record.attempts.iter().map(move |attempt| (record, attempt)))
                .filter(|(record, attempt)| {
                    filter
                        .account_id
                        .is_none_or(|account| account == attempt.account_id)
                        && match filter.scope {
                            Scope::Everyone => true,
                            Scope::Only(user) => user == record.user_id,
                        }
                })
                .collect();
            expected.sort_by_key(|(_, attempt)| (attempt.started_at, attempt.id));
            let mut found = Vec::new();
            let mut cursor = None;
            loop {
                let page = fixture
                    .store
                    .export_attempts(filter.clone(), cursor, 13)
                    .await
                    .unwrap();
                assert!(page.items.len() <= 13);
                found.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found.len(), expected.len());
            let cost: Nanodollars = found.iter().filter_map(|exported| exported.attempt.cost).sum();
            assert!(cost > Nanodollars::ZERO);
            for (exported, (record, attempt)) in found.iter().zip(expected) {
                assert_eq!(exported.attempt, recorded(record, attempt));
                assert_eq!(
                    (exported.dialect.as_str(), exported.stream),
                    ("anthropic", record.stream)
                );
            }
        }
    })
    .await;
}
