//! What a pick asks of the allocator. A binary of its own, since counting replaces the allocator.

#[path = "../benches/crowd.rs"]
mod crowd;

use gateway_balancing::STRATEGIES;

use crate::crowd::{Crowd, PROMPTS};

#[test]
fn a_pick_allocates_nothing() {
    for strategy in STRATEGIES {
        let crowd = Crowd::of(100, strategy.name());
        for (kind, prompt) in PROMPTS {
            let wanted = crowd.wanted(prompt);
            let counted = allocation_counter::measure(|| {
                assert!(crowd.pool.lease(&wanted).is_ok());
            });
            assert_eq!(counted.count_total, 0, "{} {kind}", strategy.name());
        }
    }
}
