use std::time::Duration;

use gateway_alerting::{AccountChange, AccountSighting, AccountStanding, AccountState, AccountWatch, Alert};
use gateway_domain::{AccountId, ProviderKind};

use AccountStanding::{Off, Out, Serving, Untold, Wavering};

const GRACE: Duration = Duration::from_secs(30);

fn sighting(id: AccountId, standing: AccountStanding) -> AccountSighting {
    AccountSighting {
        state: AccountState {
            account_id: id,
            name: "team".to_owned(),
            provider: ProviderKind::Anthropic,
            status: "whatever".to_owned(),
            reason: None,
            until: None,
        },
        standing,
    }
}

/// What is told at each of these moments of one account, in seconds.
fn told(watch: &mut AccountWatch, moments: &[(u64, AccountStanding)]) -> Vec<(u64, &'static str)> {
    let id = AccountId::NIL;
    let mut told = Vec::new();
    for (second, standing) in moments {
        for change in watch.changes(&[sighting(id, *standing)], Duration::from_secs(*second)) {
            watch.note(&change);
            told.push((*second, word(&change)));
        }
    }
    told
}

fn word(change: &AccountChange) -> &'static str {
    match change {
        AccountChange::Out(_) => "out",
        AccountChange::Back(_) => "back",
        AccountChange::Gone(_) => "gone",
    }
}

#[test]
fn an_account_is_out_after_the_grace_and_back_when_it_answers() {
    let moments = [
        (0, Serving),
        (10, Out),
        (39, Out),
        (40, Out),
        (50, Out),
        (60, Serving),
        (70, Serving),
    ];
    assert_eq!(
        told(&mut AccountWatch::new(GRACE), &moments),
        [(40, "out"), (60, "back")]
    );
}

#[test]
fn a_short_rest_makes_no_noise() {
    let moments = [
        (0, Out),
        (20, Serving),
        (30, Out),
        (50, Wavering),
        (55, Serving),
        (60, Out),
        (89, Out),
    ];
    assert_eq!(told(&mut AccountWatch::new(GRACE), &moments), []);
}

#[test]
fn trials_that_fail_do_not_begin_the_grace_anew() {
    let moments = [
        (0, Out),
        (10, Wavering),
        (20, Out),
        (29, Wavering),
        (30, Wavering),
        (31, Out),
    ];
    assert_eq!(told(&mut AccountWatch::new(GRACE), &moments), [(31, "out")]);
}

#[test]
fn an_account_that_is_only_given_requests_is_back_after_the_grace() {
    let moments = [
        (0, Out),
        (30, Out),
        (40, Wavering),
        (50, Out),
        (60, Wavering),
        (89, Wavering),
        (90, Wavering),
    ];
    assert_eq!(
        told(&mut AccountWatch::new(GRACE), &moments),
        [(30, "out"), (90, "back")]
    );
}

#[test]
fn without_a_grace_everything_is_told_at_once() {
    let moments = [(0, Out), (1, Wavering), (2, Out), (3, Serving)];
    let mut watch = AccountWatch::new(Duration::ZERO);
    assert_eq!(
        told(&mut watch, &moments),
        [(0, "out"), (1, "back"), (2, "out"), (3, "back")]
    );
}

#[test]
fn an_account_that_is_switched_off_is_not_told_of() {
    let moments = [
        (0, Out),
        (10, Off),
        (30, Out),
        (59, Out),
        (60, Out),
        (61, Off),
        (62, Serving),
    ];
    assert_eq!(
        told(&mut AccountWatch::new(GRACE), &moments),
        [(60, "out"), (61, "gone")]
    );
}

#[test]
fn an_account_that_is_deleted_is_gone() {
    let mut watch = AccountWatch::new(GRACE);
    assert_eq!(told(&mut watch, &[(0, Out), (30, Out)]), [(30, "out")]);
    let changes = watch.changes(&[], Duration::from_secs(31));
    assert_eq!(changes, [AccountChange::Gone(AccountId::NIL)]);
    watch.note(&changes[0]);
    assert_eq!(watch.changes(&[], Duration::from_secs(32)), []);
}

#[test]
fn after_a_restart_it_is_known_who_was_out() {
    let mut watch = AccountWatch::new(GRACE);
    watch.resume([AccountId::NIL]);
    let moments = [(0, Untold), (100, Untold), (110, Out), (200, Out), (210, Serving)];
    assert_eq!(told(&mut watch, &moments), [(210, "back")]);
}

#[test]
fn a_change_that_could_not_be_kept_is_due_again() {
    let mut watch = AccountWatch::new(GRACE);
    let look = |watch: &mut AccountWatch, standing, second| {
        watch.changes(&[sighting(AccountId::NIL, standing)], Duration::from_secs(second))
    };
    assert_eq!(look(&mut watch, Out, 0), []);
    assert_eq!(look(&mut watch, Out, 30).len(), 1);
    let out = look(&mut watch, Out, 31);
    watch.note(&out[0]);
    assert_eq!(look(&mut watch, Serving, 32).len(), 1);
    assert_eq!(look(&mut watch, Serving, 33).len(), 1);
}

#[test]
fn that_an_account_is_back_ends_its_being_out() {
    let state = sighting(AccountId::NIL, Out).state;
    let (out, back) = (Alert::AccountOut(state.clone()), Alert::AccountBack(state));
    assert_eq!(out.occasion(), back.ends());
    assert_eq!((out.ends(), back.occasion()), (None, None));
    assert_eq!(
        (Alert::Test.occasion(), Alert::Test.ends(), Alert::Test.subject()),
        (None, None, None)
    );
}
