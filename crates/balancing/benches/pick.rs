//! How long it takes to pick an account and give it back: `cargo xtask bench pick`.

mod crowd;

use criterion::{BenchmarkId, Criterion};
use gateway_balancing::STRATEGIES;

use crate::crowd::{Crowd, PROMPTS};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for size in [100, 1_000] {
        let mut group = criterion.benchmark_group(format!("{size} accounts"));
        for strategy in STRATEGIES {
            let crowd = Crowd::of(size, strategy.name());
            for (kind, prompt) in PROMPTS {
                let wanted = crowd.wanted(prompt);
                group.bench_function(BenchmarkId::new(strategy.name(), kind), |bencher| {
                    bencher.iter(|| crowd.pool.lease(&wanted).is_ok());
                });
            }
        }
        group.finish();
    }
    criterion.final_summary();
}
