use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver as Inbox};
use std::thread;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The secret that both sides know.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Longer than any wait between the first attempts, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody's server that alerts are sent to, until the test ends.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inbox: Inbox<Message>,
}

/// What came, and the status that it was answered with.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) status: u16,
    pub(crate) id: String,
    pub(crate) payload: Value,
    target: String,
    timestamp: String,
    signature: String,
    body: String,
}

impl Receiver {
    /// Answers with these statuses first, and then with 204.
    pub(crate) fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hooks/in?team=blue", listener.local_addr().unwrap());
        let (outbox, inbox) = mpsc::channel();
        let statuses: Vec<_> = statuses.to_vec();
        thread::spawn(move || {
            let mut statuses = statuses.into_iter();
            for stream in listener.incoming() {
                let Some(message) = stream
                    .ok()
                    .and_then(|stream| answer(stream, || statuses.next().unwrap_or(204)))
                else {
                    continue;
                };
                if outbox.send(message).is_err() {
                    return;
                }
            }
        });
        Self { url, inbox }
    }

    /// The next message, once it has come.
    #[track_caller]
    pub(crate) fn next(&self) -> Message {
        let message = self.inbox.recv_timeout(PATIENCE).expect("an alert comes in time");
        message.check();
        message
    }

    /// What has come and was not asked for yet.
    pub(crate) fn rest(&self) -> Vec<Message> {
        self.inbox.try_iter().collect()
    }
}

impl Message {
    /// As a receiver does that has never seen our code.
    #[track_caller]
    fn check(&self) {
        let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        assert_eq!(self.signature, format!("v1,{}", STANDARD.encode(signature)));
        assert!(self.timestamp.parse::<i64>().unwrap() > 1_700_000_000);
        assert_eq!(self.target, "POST /hooks/in?team=blue HTTP/1.1");
    }
}

fn answer(stream: TcpStream, status: impl FnOnce() -> u16) -> Option<Message> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let target = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone())
    };
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let status = status();
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\n"
    );
    reader.into_inner().write_all(head.as_bytes()).ok()?;
    Some(Message {
        status,
        id: header("webhook-id")?,
        payload: serde_json::from_str(&body).ok()?,
        target,
        timestamp: header("webhook-timestamp")?,
        signature: header("webhook-signature")?,
        body,
    })
}
