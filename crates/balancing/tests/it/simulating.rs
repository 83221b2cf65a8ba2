use crate::scenarios::{CONTENDERS, Outcome, SCENARIOS, Scenario, run};

const SEEDS: [u64; 3] = [1, 2, 3];
const TURNS: usize = 2_000;
/// What it takes until clients have come to what the accounts allow.
const TURNS_UNTIL_FULL: usize = 5_000;
/// Costs that differ by less than this share are the same.
const SAME: f64 = 0.01;

/// What a contender's runs came to, all seeds together.
#[derive(Debug)]
struct Sum {
    name: &'static str,
    errors: usize,
    usd_per_1000_turns: f64,
    cached_share: f64,
}

fn scenario(name: &str) -> &'static Scenario {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.expect("a scenario of this name")
}

fn sums(scenario: &Scenario, turns: usize) -> Vec<Sum> {
    let sum = |contender| {
        let runs = SEEDS.map(|seed| run(scenario, contender, turns, seed));
        let mean = |number: fn(&Outcome) -> f64| runs.iter().map(number).sum::<f64>() / SEEDS.len() as f64;
        Sum {
            name: contender.name,
            errors: runs.iter().map(|run| run.errors).sum(),
            usd_per_1000_turns: mean(Outcome::usd_per_1000_turns),
            cached_share: mean(Outcome::cached_share),
        }
    };
    CONTENDERS.iter().map(sum).collect()
}

/// Smart costs least, and as few errors as any other: fewer than what chance makes of the best other's count.
#[track_caller]
fn smart_is_best(name: &str, turns: usize) {
    let sums = sums(scenario(name), turns);
    let (smart, others) = sums.split_first().expect("contenders");
    assert_eq!(smart.name, "smart");
    let fewest = others.iter().map(|sum| sum.errors).min().expect("others");
    let chance = 2.0 * (fewest as f64).sqrt();
    assert!(smart.errors as f64 <= fewest as f64 + chance, "{sums:#?}");
    for other in others {
        assert!(
            smart.usd_per_1000_turns <= other.usd_per_1000_turns * (1.0 + SAME),
            "{sums:#?}"
        );
        assert!(smart.cached_share >= other.cached_share - SAME, "{sums:#?}");
    }
}

#[test]
fn smart_is_best_on_a_steady_day() {
    smart_is_best("steady", TURNS);
}

#[test]
fn smart_is_best_when_clients_come_in_bursts() {
    smart_is_best("bursty", TURNS_UNTIL_FULL);
}

#[test]
fn smart_is_best_when_an_account_is_down_and_then_hangs() {
    smart_is_best("one account down", TURNS);
}

#[test]
fn smart_is_best_when_an_account_fails_every_minute() {
    smart_is_best("flapping account", TURNS);
}

#[test]
fn smart_is_best_when_quotas_are_unequal() {
    smart_is_best("unequal quotas", TURNS_UNTIL_FULL);
}

#[test]
fn smart_is_best_for_agents_with_sub_agents() {
    smart_is_best("cache-heavy agents", TURNS);
}

#[test]
fn smart_is_best_when_the_provider_is_overloaded() {
    smart_is_best("provider overload", TURNS);
}

#[test]
fn a_hanging_account_keeps_nobody_waiting_for_long() {
    let scenario = scenario("one account down");
    let [smart, shuffle] = ["smart", "weighted shuffle"].map(|name| {
        let contender = CONTENDERS.iter().find(|contender| contender.name == name);
        run(scenario, contender.expect("a contender"), TURNS, SEEDS[0])
    });
    assert!(smart.ttft(99).as_secs() < 10, "{:?}", smart.ttft(99));
    assert!(smart.ttft(99) < shuffle.ttft(99));
}

#[test]
fn the_same_seed_comes_to_the_same() {
    let twice = [0, 1].map(|_| run(scenario("bursty"), &CONTENDERS[0], 500, 7));
    assert_eq!(twice[0].usd_per_1000_turns(), twice[1].usd_per_1000_turns());
    assert_eq!(twice[0].ttft(99), twice[1].ttft(99));
}
