use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::Result;

/// Just enough HTTP/1.1 to set up a demo: one request a connection, JSON both ways.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, token: None }
    }

    /// Sends this access token with every further request.
    pub(crate) fn authorise(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Whether somebody speaks HTTP there.
    pub(crate) fn answers(&self) -> bool {
        self.request("GET", "/", "").is_ok()
    }

    /// Whether the gateway there can serve.
    pub(crate) fn is_ready(&self) -> bool {
        self.request("GET", "/readyz", "")
            .is_ok_and(|answer| answer.status == 200)
    }

    /// # Errors
    ///
    /// When the gateway cannot be reached or refuses.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.request("POST", path, &body.to_string())?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("POST {path} was answered with {}: {}", answer.status, answer.body).into());
        }
        Ok(serde_json::from_str(&answer.body)?)
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let limit = Duration::from_secs(10);
        let mut stream = TcpStream::connect_timeout(&self.address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        let authorization = self
            .token
            .as_ref()
            .map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{authorization}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Answer::parse(&answer).ok_or_else(|| format!("{} does not speak HTTP", self.address).into())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    /// Of a whole answer, whose connection was closed after it.
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        Some(Self {
            status,
            body: body.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let text = "HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(
            Answer::parse(text),
            Some(Answer {
                status: 201,
                body: "{}".into()
            })
        );
        assert_eq!(Answer::parse("SSH-2.0-OpenSSH_9.2\r\n"), None);
    }
}
