use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use gateway_metering::{Outcome, RequestRecord};
use gateway_proxy::{AnswerBody, ProxySettings};
use gateway_simulator::{Fault, Pace, Point, Script, Simulator};
use tokio::time::timeout;

use crate::rig::{MOST_CONCURRENT, Rig, account, message};

const CALLS: usize = 10_000;
/// Calls between two looks at the books, which have to hold all of them.
const ROUND: usize = 500;

/// A source of the same random numbers each time. Source: Marsaglia's xorshift.
struct Lots(u64);

impl Lots {
    fn draw(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// Half of the clients have some patience; of the others' times, each order is as likely.
    fn draw_time(&mut self) -> Duration {
        if self.draw(2) == 0 {
            return Duration::from_millis(300);
        }
        let scale = 1 << (8 + self.draw(10));
        Duration::from_micros(self.draw(scale))
    }
}

/// How long a client stays.
#[derive(Clone, Copy)]
struct Stay {
    until_answer: Duration,
    chunks: usize,
    in_stream: Duration,
}

impl Stay {
    fn draw(lots: &mut Lots) -> Self {
        Self {
            until_answer: lots.draw_time(),
            // Many read on beyond the end.
            chunks: usize::try_from(lots.draw(40)).unwrap(),
            in_stream: lots.draw_time(),
        }
    }

    async fn call(self, rig: &Rig, body: &str) {
        let Ok(answer) = timeout(self.until_answer, rig.call(body)).await else {
            return;
        };
        let AnswerBody::Stream(mut stream) = answer.body else {
            return;
        };
        let reading = async {
            for _ in 0..self.chunks {
                stream.next().await;
            }
        };
        let _ = timeout(self.in_stream, reading).await;
    }
}

/// A provider that is slow at every point, and fails at some.
async fn restless() -> Simulator {
    let pace = Pace {
        head: Duration::from_millis(1),
        first_content: Duration::from_millis(2),
        between: Duration::from_micros(300),
        ..Pace::default()
    };
    Simulator::builder()
        .keep(0)
        .pace(pace)
        .chance(0.05, Script::status(500))
        .chance(0.05, Script::status(529))
        .chance(0.05, Script::new().fault(Fault::Stall(Point::InEvent(2))))
        .chance(0.1, Script::new().fault(Fault::Reset(Point::AfterEvents(4))))
        .start()
        .await
}

#[tokio::test]
async fn nothing_leaks_over_ten_thousand_random_aborts() {
    let simulator = restless().await;
    let settings = ProxySettings {
        // The heads of some streams are sent before there is content, those of others come with it.
        hold_timeout_seconds: 0,
        overload_pause_ms: 1,
        ..ProxySettings::default()
    };
    let accounts = || {
        vec![
            account(&simulator, "sk-ant-first"),
            account(&simulator, "sk-ant-second"),
        ]
    };
    let impatient = Rig::with_settings(accounts(), settings).await;
    let patient = Rig::new(accounts()).await;
    let mut lots = Lots(0x9e37_79b9_7f4a_7c15);

    for _ in 0..CALLS / ROUND / 2 {
        for rig in [&impatient, &patient] {
            let calls: Vec<_> = (0..ROUND)
                .map(|number| (Stay::draw(&mut lots), message(number % 8 != 0)))
                .collect();
            stream::iter(calls)
                .for_each_concurrent(
                    usize::try_from(MOST_CONCURRENT).unwrap(),
                    |(stay, body)| async move { stay.call(rig, &body).await },
                )
                .await;
            rig.rows().await;
        }
    }

    for rig in [&impatient, &patient] {
        assert_eq!((rig.health(0).in_flight, rig.health(1).in_flight), (0, 0));
        let metrics = rig.engine.shared().scrape();
        assert!(metrics.contains("gateway_open_streams 0"), "{metrics}");
        assert!(metrics.contains("gateway_requests_in_flight 0"), "{metrics}");
        let admissions: Vec<_> = (0..MOST_CONCURRENT).map(|_| rig.admit()).collect();
        drop(admissions);
        let rows = rig.rows().await;
        let ids: HashSet<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!((rows.len(), ids.len()), (CALLS / 2, CALLS / 2));
        assert_covers_every_moment(&rows);
    }
    // Upstream, too, everything has come to its end.
    simulator.wait_for_ends(simulator.tally().received).await;
}

/// Whether clients left before an answer, in its midst and after its end, and what failed was among it.
#[track_caller]
fn assert_covers_every_moment(rows: &[RequestRecord]) {
    let count = |is_wanted: fn(&RequestRecord) -> bool| rows.iter().filter(|row| is_wanted(row)).count();
    let counts = [
        count(|row| row.status == Outcome::Cancelled && row.ttft.is_none()),
        count(|row| row.status == Outcome::Cancelled && row.ttft.is_some()),
        count(|row| row.status == Outcome::Ok),
        count(|row| row.status == Outcome::Interrupted),
        count(|row| row.attempts.len() > 1),
    ];

    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}
