use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::canaries;
use crate::folder::Folder;
use crate::http::{self, Answer};

/// A server that runs, on a port of its own, until it is stopped or dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: std::path::PathBuf,
    /// Host and port.
    pub(crate) address: String,
    /// What it said when it was ready.
    pub(crate) welcome: String,
}

impl Server {
    pub(crate) fn start(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        canaries::note_variables(variables.iter().copied());
        let log = folder.path("log");
        let mut command = folder.command(&["serve"], &[("PORT", "0")]);
        command
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            stdout,
            log,
            address: String::new(),
            welcome: String::new(),
        };
        server.read_welcome();
        for generated in ["data/secrets/jwt-secret", "data/secrets/master-key"] {
            if let Ok(secret) = fs::read_to_string(folder.path(generated)) {
                canaries::note(secret.trim());
            }
        }
        server
    }

    fn read_welcome(&mut self) {
        // The text ends with how to sign in.
        while !self.welcome.trim_end().ends_with("\"}'") {
            if self.stdout.read_line(&mut self.welcome).unwrap() == 0 {
                let status = self.child.wait().unwrap();
                panic!("the server ended ({status}):\n{}", self.log());
            }
        }
        let line = self
            .welcome
            .lines()
            .find(|line| line.trim_start().starts_with("address"))
            .unwrap();
        let url = line.split_whitespace().nth(1).unwrap();
        let (_, address) = url.split_once("://").unwrap();
        address.clone_into(&mut self.address);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops it as a service manager does, and expects it to go well.
    #[track_caller]
    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        let log = self.log.clone();
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", fs::read_to_string(log).unwrap());
    }

    /// Asks it to stop again and again, until it does so without waiting for anything.
    #[track_caller]
    pub(crate) fn insist(mut self) {
        let status = loop {
            self.signal(Signal::TERM);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            thread::sleep(Duration::from_millis(50));
        };
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http::request(&self.address, "GET", path, &[], "")
    }

    pub(crate) fn get_as(&self, token: &str, path: &str) -> Answer {
        let headers = [format!("authorization: Bearer {token}")];
        http::request(&self.address, "GET", path, &headers, "")
    }

    pub(crate) fn get_as_admin(&self, path: &str) -> Value {
        let headers = [format!("authorization: Bearer {}", self.admin_token())];
        http::request(&self.address, "GET", path, &headers, "").json()
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let headers = [format!("authorization: Bearer {token}")];
        http::request(&self.address, "POST", path, &headers, &body.to_string())
    }

    pub(crate) fn sign_in(&self, username: &str, password: &str) -> Answer {
        http::request(
            &self.address,
            "POST",
            "/api/auth/login",
            &[],
            &json!({"username": username, "password": password}).to_string(),
        )
    }

    /// The most memory that it has had at once.
    pub(crate) fn peak_memory_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.unwrap().trim().strip_suffix(" kB").unwrap();
        kibibytes.parse::<u64>().unwrap() << 10
    }

    /// The value of a metric without labels, where anybody may read metrics.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let answer = self.get("/metrics");
        let mut lines = answer.body.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("no {name}: {answer:?}"))
            .parse()
            .unwrap()
    }

    /// Waits until all that has ended is in the database.
    pub(crate) fn wait_until_written(&self) {
        while self.metric("gateway_ledger_queue") > 0 {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it says that it lacks to serve.
    pub(crate) fn missing(&self) -> Vec<String> {
        let answer = self.get("/readyz").json();
        let missing = answer["missing"].as_array().unwrap().iter();
        missing.map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    /// An access token of the admin with the published password.
    pub(crate) fn admin_token(&self) -> String {
        let answer = self.sign_in("admin", "admin123456");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and a test that fails must not leave it behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            let mut printed = self.welcome.clone();
            let _ = self.stdout.read_to_string(&mut printed);
            canaries::expect_none_in("what the server printed", printed.as_bytes());
            canaries::expect_none_in("its log", &fs::read(&self.log).unwrap_or_default());
            canaries::expect_none_in_files(&self.log.with_file_name("data"));
        }
    }
}
