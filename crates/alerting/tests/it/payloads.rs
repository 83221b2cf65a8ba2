use gateway_alerting::{AccountState, Alert, BudgetThreshold};
use gateway_domain::{AccountId, ApiKeyId, BudgetPeriod, ProviderKind, Spender, Timestamp};

fn at() -> Timestamp {
    "2026-06-15T12:00:00.5Z".parse().unwrap()
}

fn state() -> AccountState {
    AccountState {
        account_id: AccountId::NIL,
        name: "team \"1\"".to_owned(),
        provider: ProviderKind::Anthropic,
        status: "unhealthy".to_owned(),
        reason: Some("credential: 401 authentication_error".to_owned()),
        until: None,
    }
}

#[test]
fn a_budgets_payload_has_exact_amounts_and_its_period() {
    let threshold = BudgetThreshold {
        subject: Spender::Key(ApiKeyId::NIL),
        name: "ci".to_owned(),
        percent: 80,
        spent: "8.000000001".parse().unwrap(),
        amount: "10".parse().unwrap(),
        period: BudgetPeriod::Month,
        period_start: Some("2026-06-01T00:00:00Z".parse().unwrap()),
        period_end: Some("2026-07-01T00:00:00Z".parse().unwrap()),
    };
    assert_eq!(
        Alert::BudgetThreshold(threshold).payload(at()),
        r#"{"type":"budget_threshold","timestamp":"2026-06-15T12:00:00.500Z","data":{"subject":{"type":"api_key","id":"00000000-0000-0000-0000-000000000000"},"name":"ci","percent":80,"spent_usd":8.000000001,"amount_usd":10.0,"period":"month","period_start":"2026-06-01T00:00:00Z","period_end":"2026-07-01T00:00:00Z"}}"#
    );
}

#[test]
fn an_accounts_payload_says_how_it_is_doing() {
    assert_eq!(
        Alert::AccountOut(state()).payload(at()),
        r#"{"type":"account_out","timestamp":"2026-06-15T12:00:00.500Z","data":{"account_id":"00000000-0000-0000-0000-000000000000","name":"team \"1\"","provider":"anthropic","status":"unhealthy","reason":"credential: 401 authentication_error","until":null}}"#
    );
    let back = Alert::AccountBack(AccountState {
        status: "healthy".to_owned(),
        reason: None,
        ..state()
    });
    assert!(back.payload(at()).starts_with(r#"{"type":"account_back","#));
}

#[test]
fn a_test_says_that_it_is_one() {
    assert_eq!(
        Alert::Test.payload(at()),
        r#"{"type":"test","timestamp":"2026-06-15T12:00:00.500Z","data":{"message":"alerts of this gateway arrive here"}}"#
    );
}
