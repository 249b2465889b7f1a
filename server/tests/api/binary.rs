//! The program itself: its arguments, its first start, its end.

use crate::process::{Client, config_file, ended, free_address, http, output, signal};
use crate::support::PATIENCE;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

fn command(dir: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.current_dir(dir).env("VAULT_SERVER__LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(file: &str, arguments: &[&str]) -> (Output, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("vault.toml"), file).unwrap();
    (output(command(dir.path()).args(arguments)), dir)
}

#[test]
fn a_typo_names_file_line_and_key() {
    let file = "[[provider]]\nname = \"local\"\nkind = \"filesystem\"\npth = \"x\"\n";
    for arguments in [&["--config", "vault.toml"][..], &["check", "--config", "vault.toml"]] {
        let (output, _dir) = run(file, arguments);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr).trim(),
            "vault.toml line 4: provider \"local\": unknown setting 'pth'; did you mean 'path'? known are: path"
        );
    }
}

/// As a container's health check asks, which knows the same settings.
#[tokio::test]
async fn whether_it_is_ready_can_be_asked_without_another_program() {
    let dir = tempfile::tempdir().unwrap();
    let address = free_address();
    let folder = dir.path().join("recordings");
    let provider = format!("kind = \"filesystem\"\npath = \"{}\"", folder.display());
    let file = config_file(dir.path(), address, &provider, "http://127.0.0.1:9/");
    let ask = || {
        let mut command = command(dir.path());
        let listen = address.to_string().replace("127.0.0.1", "0.0.0.0");
        output(command.env("VAULT_SERVER__LISTEN", listen).arg("health").arg("--config").arg(&file))
    };
    let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };
    let vault = crate::process::start(&file, &client).await;
    let told = ask();
    assert!(told.status.success(), "{told:?}");
    assert!(String::from_utf8_lossy(&told.stdout).contains("\"status\":\"ok\""), "{told:?}");
    assert!(vault.stop());
    let told = ask();
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(String::from_utf8_lossy(&told.stderr).contains("does not answer at 127.0.0.1:"), "{told:?}");
}

/// What would be refused when it is applied is refused when it is read, by `check` and by the start alike.
#[test]
fn what_cannot_be_applied_is_named_with_its_line() {
    let file = "[[provider]]
name = \"local \"
kind = \"filesystem\"
path = \"x\"

[[account]]
name = \"site-a\"
provider = \"local \"
directory = \"a/../b\"
access_key = \"A B\"
secret_key = \"hünter2\"
day_limit = 36501
";
    for arguments in [&["--config", "vault.toml"][..], &["check", "--config", "vault.toml"]] {
        let (output, dir) = run(file, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let problems: Vec<&str> = stderr.lines().collect();
        assert_eq!(
            problems,
            [
                "vault.toml line 2: provider \"local \": Name must not start or end with a space or hold control characters",
                "vault.toml line 9: account \"site-a\": Directory must not hold an empty part, '.' or '..'",
                "vault.toml line 10: account \"site-a\": Access key must be printable ASCII without spaces",
                "vault.toml line 11: account \"site-a\": Secret key must be printable ASCII without spaces",
                "vault.toml line 12: account \"site-a\": Day limit must be a number of days from 0 (keep for ever) to 36500",
            ],
            "{arguments:?}"
        );
        assert!(!dir.path().join("data").exists(), "nothing was started");
    }
}

#[test]
fn check_tries_every_connection() {
    let file = "[[provider]]\nname = \"local\"\nkind = \"filesystem\"\npath = \"recordings\"\n";
    let (output, _dir) = run(file, &["check", "--config", "vault.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("provider local (filesystem)\n  ok "), "{text}");
    let (output, _dir) =
        run(&file.replace("recordings", "vault.toml/impossible"), &["check", "--config", "vault.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && text.contains("  FAILED  "), "{text}");
}

#[test]
fn what_would_be_deleted_is_said_only_of_a_database_that_is_there() {
    let (output, dir) = run("", &["retention", "--dry-run"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("kerberos-vault cannot tell what retention would delete: "), "{text}");
    assert!(!dir.path().join("data").exists(), "nothing was made");
}

#[test]
fn help_and_version() {
    let (output, _dir) = run("", &["--help"]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("backup "));
    let (output, _dir) = run("", &["--version"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("kerberos-vault "));
    let (output, _dir) = run("", &["--nonsense"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Ends the program when a test fails on the way.
pub(crate) struct Running(Child);

impl Running {
    /// Asks it to stop as an operator does; answers whether it ended well.
    pub(crate) fn stop(mut self) -> (bool, String) {
        signal(self.0.id(), "TERM");
        let ended = ended(&mut self.0, "the vault, which was asked to stop").success();
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (ended, log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// Starts it and reads what it prints, up to a line that starts so.
fn start(dir: &std::path::Path, last_line: &str) -> (Running, String) {
    start_as(&mut command(dir), last_line)
}

pub(crate) fn start_as(command: &mut Command, last_line: &str) -> (Running, String) {
    let mut running = Running(command.spawn().unwrap());
    let (sender, lines) = mpsc::channel();
    let stdout = BufReader::new(running.0.stdout.take().unwrap());
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut printed = String::new();
    loop {
        let line = lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|none| panic!("no line {last_line:?}, {none}; printed was:\n{printed}"));
        printed += &line;
        printed += "\n";
        if line.trim_start().starts_with(last_line) {
            return (running, printed);
        }
    }
}

/// In a container or a package. Of a file that is missing, curl would send nothing, which is answered 200.
#[test]
fn where_there_is_no_sample_the_command_wants_a_recording() {
    let dir = tempfile::tempdir().unwrap();
    let (running, printed) = start(dir.path(), "--request POST");
    let curl = &printed[printed.find("curl ").expect("a command")..];
    let pasted = || output(Command::new("sh").args(["-c", curl]).current_dir(dir.path()));
    assert!(!pasted().status.success(), "{printed}");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/recording.mp4");
    std::fs::copy(sample, dir.path().join("recording.mp4")).unwrap();
    let uploaded = pasted();
    assert!(uploaded.status.success() && uploaded.stdout.starts_with(b"{\"data\":\"demo/"), "{uploaded:?}");
    assert!(running.stop().0);
}

/// Five minutes to the first recording: what is printed is pasted into a shell.
#[test]
fn the_first_start_prints_a_command_that_works() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("fixtures")).unwrap();
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/recording.mp4"),
        dir.path().join("fixtures/recording.mp4"),
    )
    .unwrap();
    let (running, printed) = start(dir.path(), "--data-binary");
    let curl = &printed[printed.find("curl ").expect("a command")..];
    let uploaded = output(Command::new("sh").args(["-c", curl]).current_dir(dir.path()));
    let answer = String::from_utf8_lossy(&uploaded.stdout).into_owned();
    assert!(uploaded.status.success() && answer.starts_with("{\"data\":\"demo/"), "{printed}\n{answer}");
    let key = &answer[9..answer.len() - 2];
    assert!(dir.path().join("data/recordings").join(key).is_file(), "{key}");

    let secrets: Vec<&str> = printed
        .lines()
        .filter_map(|l| l.trim().strip_prefix("with the password").or(l.trim().strip_prefix("secret key")))
        .map(str::trim)
        .collect();
    assert_eq!(secrets.len(), 2, "{printed}");
    let url = printed.lines().find_map(|l| l.strip_prefix("Kerberos Vault is running at ")).unwrap();
    let signed = format!("{url}/api/storage/signed?a=a&p=p&f=a/b.mp4&e=1&s=of-great-value");
    assert!(output(Command::new("curl").args(["-s", &signed])).status.success());

    let (ended_well, log) = running.stop();
    assert!(log.contains("path=/api/storage/signed") && !log.contains("of-great-value"), "{log}");
    assert!(ended_well, "{log}");
    assert!(log.contains("path=/api/storage") && secrets.iter().all(|s| !log.contains(s)), "{log}");

    let (running, printed) = start(dir.path(), "Kerberos Vault is running");
    assert_eq!(printed.lines().count(), 1, "secrets are shown once: {printed}");
    assert!(running.stop().0);
}

/// Whatever a client sends, in path, headers or body, an event stays one line of plain text.
#[test]
fn no_client_writes_into_the_log() {
    const HOSTILE: &str = "\u{85}\u{9b}31m\u{202e}\u{2028}\u{2066}";
    for (format, escaped) in [("text", r"\u{202e}"), ("json", r"\u202e")] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = command(dir.path());
        let (running, printed) = start_as(
            command.env("VAULT_LOG__FORMAT", format).env("VAULT_LOG__LEVEL", "debug"),
            "Kerberos Vault is running at ",
        );
        let address = printed.trim().rsplit("http://").next().unwrap().to_owned();
        let headers =
            format!("host: {HOSTILE}\r\nx-request-id: {HOSTILE}\r\nx-kerberos-storage-filename: {HOSTILE}\r\n");
        for request in [
            format!("GET /{HOSTILE} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
            format!("GET /api/{HOSTILE} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
            format!("GET /api/storage HTTP/1.1\r\n{headers}connection: close\r\n\r\n"),
            format!("{HOSTILE} / HTTP/1.1\r\n\r\n"),
        ] {
            let mut connection = TcpStream::connect(&address).unwrap();
            connection.set_read_timeout(Some(PATIENCE)).unwrap();
            connection.write_all(request.as_bytes()).unwrap();
            connection.read_to_end(&mut Vec::new()).unwrap();
        }
        let (ended_well, log) = running.stop();
        assert!(ended_well && log.contains(escaped), "{format}: {log:?}");
        let harmful = |c: char| (c.is_control() && c != '\n') || HOSTILE.contains(c) && !c.is_ascii();
        assert!(!log.contains(harmful), "{format}: {log:?}");
    }
}

/// Runs the program under a shell's limit of open files; answers its limits as the system tells them, its notices and its log.
fn limited(ulimit: &str) -> (String, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    let script = format!("{ulimit} && exec \"$0\"");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_kerberos-vault")]).current_dir(dir.path());
    shell.env("VAULT_SERVER__LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped());
    let (running, printed) = start_as(&mut shell, "--request POST");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.0.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    let url = printed.lines().find_map(|line| line.strip_prefix("Kerberos Vault is running at ")).unwrap();
    let ready = output(Command::new("curl").args(["-s", &format!("{url}/api/health/ready")]));
    let (ended, log) = running.stop();
    assert!(ended, "{log}");
    (files, String::from_utf8_lossy(&ready.stdout).into_owned(), log)
}

#[test]
fn too_few_open_files_are_told_and_enough_are_taken() {
    let (files, ready, log) = limited("ulimit -n 300");
    assert!(files.contains(" 300 "), "{files}");
    assert!(ready.contains("\"notices\":[\"few-files\"]") && ready.contains("\"ok\""), "{ready}");
    assert!(log.contains("ulimit -n") && log.contains("available=300"), "{log}");

    let (files, ready, log) = limited("ulimit -Sn 300 && ulimit -Hn 8192");
    assert_eq!(files.matches("8192").count(), 2, "the program asks for what it may have: {files}");
    assert!(!ready.contains("few-files") && !log.contains("ulimit -n"), "{ready} {log}");
}
