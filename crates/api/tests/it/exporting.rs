//! Exports as transfers: pieces, readers that are slow, and databases that go away.

use std::time::Duration;

use gateway_domain::{Clock, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{read_reply, unchunked};
use crate::gateway::TestGateway;
use crate::on_both_databases;
use crate::usage::record;

/// More than the sockets on the way can hold.
const ROWS: u64 = 1_600;
/// Makes each row some kilobytes long.
const LONG_NAME: usize = 3_000;
/// What every transfer that ends well ends with.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// A key with many long rows, the last hour's.
async fn heavy_key(gateway: &TestGateway) -> Value {
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    let start = gateway.clock.now() - Duration::from_secs(3_600);
    let rows = (0..ROWS).map(|number| row(&key, start + Duration::from_millis(number)));
    let rows: Vec<_> = rows.collect();
    for batch in rows.chunks(100) {
        gateway.app.store.record_usage(batch.to_vec()).await.unwrap();
    }
    key
}

fn row(key: &Value, at: Timestamp) -> gateway_metering::RequestRecord {
    let mut record = record(key, at);
    record.model = "m".repeat(LONG_NAME);
    record.attempts[0].upstream_model = "u".repeat(LONG_NAME);
    record
}

/// An export of which nothing but the beginning has been read.
async fn begun(gateway: &TestGateway, query: &str) -> (TcpStream, Vec<u8>) {
    let request = gateway
        .get(&format!("/api/usage/export?{query}"))
        .bearer(&gateway.admin);
    let mut stream = request.open().await;
    stream.flush().await.unwrap();
    let mut begin = vec![0; 1_024];
    stream.read_exact(&mut begin).await.unwrap();
    assert!(
        begin.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&begin)
    );
    (stream, begin)
}

async fn rest_of(mut stream: TcpStream, mut begin: Vec<u8>) -> Vec<u8> {
    // A reset is one way to say that this is not all.
    let _ = stream.read_to_end(&mut begin).await;
    begin
}

fn count_rows(bytes: &[u8]) -> u64 {
    let name = "u".repeat(LONG_NAME);
    String::from_utf8_lossy(bytes).matches(&name).count() as u64
}

on_both_databases! {
    async fn readers_that_pause_hold_no_connection_of_the_database(gateway) {
        heavy_key(&gateway).await;
        let mut exports = Vec::new();
        // Several times as many as there are connections.
        for _ in 0..5 {
            exports.push(begun(&gateway, "format=jsonl").await);
        }
        let summary = gateway.get("/api/usage/summary").bearer(&gateway.admin).send().await.expect(200).json();
        assert_eq!(summary["totals"]["requests"], ROWS);
        let (stream, begin) = exports.remove(0);
        drop(exports);
        let whole = rest_of(stream, begin).await;
        assert!(whole.ends_with(LAST_CHUNK));
        let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        assert_eq!(count_rows(&unchunked(&whole[head + 4..])), ROWS);
    }

    async fn what_is_not_read_yet_is_not_fetched_yet(gateway) {
        let key = heavy_key(&gateway).await;
        let to = gateway.clock.now() + Duration::from_secs(3_600);
        let (stream, begin) = begun(&gateway, &format!("format=csv&to={to}&from=2026-06-01T00:00:00Z")).await;
        // Later than all that was there when the export began.
        let mut late = row(&key, gateway.clock.now());
        late.model = "late".to_owned();
        gateway.app.store.record_usage(vec![late]).await.unwrap();
        let whole = rest_of(stream, begin).await;
        assert!(whole.ends_with(LAST_CHUNK));
        assert!(String::from_utf8_lossy(&whole).contains(",late,"));
    }

    async fn an_export_that_breaks_off_does_not_look_whole(gateway) {
        heavy_key(&gateway).await;
        let (stream, begin) = begun(&gateway, "format=csv").await;
        gateway.app.store.close().await;
        let broken = rest_of(stream, begin).await;
        assert!(!broken.ends_with(LAST_CHUNK));
        assert!(count_rows(&broken) < ROWS);
        // One that has not begun is an answer like any other.
        gateway.get("/api/usage/export").bearer(&gateway.admin).send().await.expect(503);
    }

    async fn a_model_that_a_client_made_up_harms_no_spreadsheet(gateway) {
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let mut odd = record(&key, gateway.clock.now());
        odd.model = "=HYPERLINK(\"http://x\"),\r\n".to_owned();
        gateway.app.store.record_usage(vec![odd]).await.unwrap();
        let csv = gateway.get("/api/usage/export?format=csv").bearer(&gateway.admin).send().await.expect(200);
        assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"usage.csv\""));
        assert!(csv.text().contains(",\"'=HYPERLINK(\"\"http://x\"\"),\r\n\",m,"), "{}", csv.text());
        let jsonl = gateway.get("/api/usage/export?format=jsonl").bearer(&gateway.admin).send().await.expect(200);
        assert_eq!(jsonl.header("content-disposition"), Some("attachment; filename=\"usage.jsonl\""));
        assert_eq!(jsonl.json()["model"], "=HYPERLINK(\"http://x\"),\r\n");
    }
}

#[tokio::test]
async fn the_columns_are_those_of_the_contract() {
    let gateway = TestGateway::start(crate::database::Kind::Sqlite).await;
    let request = gateway.get("/api/usage/export").bearer(&gateway.admin);
    let head = read_reply(&mut request.open().await).await.text();
    let documented = "request_id,attempt,started_at,user_id,key_id,account_id,provider,dialect,model,upstream_model,stream,\
                      status,http_status,fault,input_tokens,cache_read_tokens,cache_write_5m_tokens,cache_write_1h_tokens,\
                      output_tokens,reasoning_tokens,usage_source,cost_usd,price_version,latency_ms,ttft_ms,\
                      upstream_request_id,upstream_message_id,web_searches,service_tier,speed,inference_geo\r\n";
    assert_eq!(head, documented);
}
