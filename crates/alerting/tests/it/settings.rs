use gateway_alerting::{AlertSettings, BudgetPercents, InvalidPercents};

#[test]
fn percents_may_come_in_any_order_but_not_twice() {
    assert_eq!(
        BudgetPercents::try_from(vec![100, 50, 80]),
        Ok(BudgetPercents::default())
    );
    assert!(BudgetPercents::try_from(Vec::new()).is_ok());
    for wrong in [vec![0], vec![101], vec![50, 50]] {
        assert_eq!(BudgetPercents::try_from(wrong), Err(InvalidPercents));
    }
}

#[test]
fn the_secret_is_not_shown() {
    let settings = AlertSettings {
        webhook_secret: Some("whsec_hunter2".into()),
        ..AlertSettings::default()
    };
    assert!(!format!("{settings:?}").contains("hunter2"));
}
