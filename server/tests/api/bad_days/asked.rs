//! `kerberos-vault health`, the health check of containers, when there is no answer that says "ready". What it says of a
//! database that is gone: `late_database.rs`; of a vault that is ready, or has stopped: `binary.rs`.

use crate::data_folder::{Site, only_line};
use crate::process::output;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

fn said(address: &str) -> String {
    let site = Site::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.env("VAULT_SERVER__LISTEN", address).arg("health").arg("--config").arg(site.dir.path().join("vault.toml"));
    let told = output(&mut command);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(!site.data().exists(), "who asks makes nothing");
    let said = only_line(&told);
    assert!(said.contains(address), "{said}");
    said
}

/// A vault listens before it opens its database, and answers after.
#[test]
fn one_that_is_starting_is_not_healthy_yet() {
    let starting = TcpListener::bind("127.0.0.1:0").unwrap();
    let said = said(&starting.local_addr().unwrap().to_string());
    assert!(said.contains("does not answer") && said.contains("it may still be starting"), "{said}");
}

#[test]
fn whatever_else_answers_is_no_healthy_vault() {
    for (answer, why) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n<h1>welcome</h1>",
            "its answer is 200, which is none of a vault's",
        ),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nhere", "its answer is 404"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"reason\":\"database-damaged\"}", "database-damaged; its log"),
        ("220 mail.example ESMTP\r\n", "speaks no HTTP"),
        ("", "closed without an answer"),
    ] {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap().to_string();
        let answering = std::thread::spawn(move || {
            let (mut asking, _) = other.accept().unwrap();
            // All of it is read first: what is left unread would make the end a reset.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                asking.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            asking.write_all(answer.as_bytes()).unwrap();
        });
        let said = said(&address);
        assert!(said.contains(why), "{said}");
        answering.join().unwrap();
    }
}
