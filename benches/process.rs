//! The program as it is shipped: how soon it is ready, and what it takes when it has nothing to do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::report::{Report, median, ms};

const BINARY: &str = env!("CARGO_BIN_EXE_balie");
const STARTS: usize = 9;
/// Long enough for every periodic task to have run.
const IDLE: Duration = Duration::from_secs(8);

pub async fn measure(report: &mut Report) {
    let mut first = Vec::new();
    for _ in 0..STARTS {
        let folder = tempfile::tempdir().unwrap();
        first.push(Server::start(folder.path()).1);
    }
    report.below("start, first ever", median(first), "ms", 300.0);
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path()));
    let again = (0..STARTS).map(|_| Server::start(folder.path()).1).collect();
    report.below("start", median(again), "ms", 300.0);
    let (server, _) = Server::start(folder.path());
    tokio::time::sleep(IDLE).await;
    report.below("rss_idle", server.resident_mb(), "MB", 40.0);
}

pub struct Server(Child);

impl Server {
    /// A server that is ready, and how many milliseconds that took.
    pub fn start(data: &Path) -> (Self, f64) {
        Self::start_with(data, &[], &[])
    }

    /// As `start`, with more arguments and environment.
    pub fn start_with(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Self, f64) {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let began = Instant::now();
        let child = std::process::Command::new(BINARY)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .args(arguments)
            .envs(environment.iter().copied())
            .env_remove("BALIE_DATABASE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(child);
        while !is_ready(port) {
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not become ready");
            std::thread::sleep(Duration::from_millis(1));
        }
        (server, ms(began.elapsed()))
    }

    /// Time on a processor since the start, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // After the name in parentheses: utime and stime are the 12th and 13th, in hundredths of a second.
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    pub fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let request = "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
