//! A first start that is killed at the moment when it has shown what is shown once.

use crate::process::{Client, free_address, http, output, start_by};
use crate::support::until;
use std::process::Command;

/// What it showed is kept, or the next start shows another: the keys and the password that were shown last let in.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_left_without_keys() {
    for _ in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/recording.mp4");
        std::fs::copy(sample, dir.path().join("recording.mp4")).unwrap();
        let config = dir.path().join("vault.toml");
        std::fs::write(&config, "").unwrap();
        let address = free_address();
        let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };
        let command = || {
            let mut command = Command::new("sh");
            command.args(["-c", "exec \"$@\" >> printed", "sh", env!("CARGO_BIN_EXE_kerberos-vault")]);
            command.current_dir(dir.path()).env("VAULT_SERVER__LISTEN", address.to_string());
            command
        };
        let printed = || std::fs::read_to_string(dir.path().join("printed")).unwrap_or_default();

        let mut killed = command().spawn().unwrap();
        until("it shows keys", async || printed().ends_with("/api/storage'\n")).await;
        killed.kill().unwrap();
        killed.wait().unwrap();

        let vault = start_by(command(), &config, &client).await;
        let text = printed();
        let (shown, again) = text.split_at(text.rfind("Kerberos Vault is running at").unwrap());
        for secret in ["secret key", "with the password"] {
            assert!(shown.contains(secret) || again.contains(secret), "{text}");
        }
        let last = &text[text.rfind("curl ").unwrap()..];
        let last = &last[..last.find("/api/storage'").unwrap() + "/api/storage'".len()];
        let uploaded = output(Command::new("sh").args(["-c", last]).current_dir(dir.path()));
        assert!(uploaded.status.success() && uploaded.stdout.starts_with(b"{\"data\":\"demo/"), "{text}\n{uploaded:?}");
        assert!(vault.stop());
    }
}
