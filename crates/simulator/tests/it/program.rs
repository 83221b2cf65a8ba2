//! The simulator in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::client::{Request, call};

/// Killed when the test is over, however it ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn it_says_where_it_listens_and_fails_as_told() {
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_llm-simulator"))
            .args([
                "--port",
                "0",
                "--output-tokens",
                "9",
                "--key",
                "good",
                "--key",
                "bad",
            ])
            .args(["--bad-key", "bad=429", "--tokens-per-second", "1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    let mut output = BufReader::new(program.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.trim_end().rsplit("//").next().unwrap().parse().unwrap();
    let good = call(address, &Request::hello().key("good")).json();
    assert_eq!(good["usage"]["output_tokens"], 10);
    assert_eq!(call(address, &Request::hello().key("bad")).status, 429);
    assert_eq!(call(address, &Request::hello().key("other")).status, 401);
}

#[test]
fn it_refuses_faults_that_there_are_not() {
    for fault in ["resett", "529@1.5", "200"] {
        let output = Command::new(env!("CARGO_BIN_EXE_llm-simulator"))
            .args(["--port", "0", "--fault", fault])
            .output()
            .unwrap();
        assert!(!output.status.success(), "{fault}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--fault"));
    }
}
