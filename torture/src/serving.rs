//! The whole server as a process of its own, reached over HTTP: for what shows only there, such as the memory it takes.
//!
//! The process is the test itself, started again: a test that may be one begins with [`Serving::here`].

use crate::knobs::variable;
use server::config::Config;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

/// Path of its configuration; set only for such a process.
const CONFIGURATION: &str = "TORTURE_CONFIGURATION";
/// What the server prints once it listens.
const RUNNING: &str = "Kerberos Vault is running at http://";

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Serving {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Serving {
    /// Serves until it is killed, if that is what this process is for; else does nothing.
    pub fn here() {
        let Some(file) = variable(CONFIGURATION) else { return };
        let config = Config::load(Some(Path::new(&file)), std::iter::empty()).expect("a configuration that is right");
        let runtime = server::runtime::build().expect("a runtime");
        // As the program does it: the routes need more stack than a test's thread has.
        let serve = move || runtime.block_on(server::run::run(config));
        let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(serve).expect("a thread");
        assert_eq!(thread.join().expect("it does not panic"), ExitCode::SUCCESS);
        std::process::exit(0);
    }

    /// Starts one with this configuration, which lies in its folder. `test` is the name of the calling test.
    pub fn start(test: &str, folder: &Path, configuration: &str) -> Self {
        let file = folder.join("vault.toml");
        std::fs::write(&file, configuration).expect("the folder has room");
        let mut process = Command::new(std::env::current_exe().expect("the test's own file"))
            .args(["--exact", test, "--nocapture"])
            .env(CONFIGURATION, &file)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test can be run once more");
        let mut lines = BufReader::new(process.stdout.take().expect("it was asked for")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split_once(RUNNING).and_then(|(_, address)| address.parse().ok()));
        // It may print more.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("it says where it runs; its log says why it does not") }
    }

    /// Memory that it takes of the machine now, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
        let kib = line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number");
        kib * 1024
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
