//! A PostgreSQL that comes up later than the vault. A start waits a few seconds for it; then it says so and ends, for its
//! supervisor to try again (docs/operations.md, Start).

use super::SOON;
use crate::data_folder::{Site, only_line};
use crate::process::{free_address, output, start_by, where_one_may_mount};
use crate::support::{database_on_server, until};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const KEY: (&str, &str) = ("VAULT_DATA__MASTER_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=");

/// What stands before a database server: it takes connections, and closes them until the server is up.
pub(super) struct Before {
    url: String,
    up: watch::Sender<bool>,
    refused: Arc<AtomicUsize>,
}

impl Before {
    pub(super) async fn down(url: &str) -> Self {
        let (login, rest) = url.rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let server: SocketAddr = server.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{login}@{}/{database}", listener.local_addr().unwrap());
        let (up, refused) = (watch::Sender::new(false), Arc::new(AtomicUsize::new(0)));
        let (state, count) = (up.subscribe(), refused.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *state.borrow() {
                    tokio::spawn(pass_on(client, server, state.clone()));
                } else {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url, up, refused }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn set_up(&self, up: bool) {
        self.up.send_replace(up);
    }
}

async fn pass_on(mut client: TcpStream, server: SocketAddr, mut up: watch::Receiver<bool>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = up.wait_for(|up| !up) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_up_while_the_vault_starts_is_waited_for() {
    let site = Site::new();
    let before = Before::down(&database_on_server(&site.dir).await).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.env("VAULT_DATABASE__URL", before.url()).env(KEY.0, KEY.1);
    let config = site.dir.path().join("vault.toml");
    let (vault, ()) = tokio::join!(start_by(command, &config, &site.client), async {
        until("the vault has tried", async || before.refused.load(Ordering::SeqCst) > 0).await;
        before.set_up(true);
    });
    site.upload(0..1).await;
    site.client.read(&site.key(0)).await;
    assert!(vault.stop());
}

/// Three starts, each of which takes its time: at once.
#[test]
fn one_that_does_not_is_named_by_each_start_and_nothing_is_made() {
    let site = Site::new();
    let url = format!("postgres://vault:of-great-value@{}/vault", free_address());
    let config = std::fs::read_to_string(site.dir.path().join("vault.toml")).unwrap();
    let address = site.client.base.trim_start_matches("http://").trim_end_matches("/api");
    std::fs::write(site.dir.path().join("vault.toml"), config.replace(address, "127.0.0.1:0")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let said = said_soon(&site, &mut Command::new(env!("CARGO_BIN_EXE_kerberos-vault")), &url);
                assert!(said.contains("Connection refused") && said.contains("check that the server runs"), "{said}");
            });
        }
    });
    assert!(!site.data().exists(), "nothing is made");
}

/// The system goes on asking for ten seconds, in a thread that nothing can end.
#[test]
fn a_name_server_that_is_silent_holds_up_no_start() {
    const SCRIPT: &str = "mount --bind \"$1\" /etc/resolv.conf && ip link set lo up && ip route add 192.0.2.53 dev lo && shift && exec \"$@\"";
    let site = Site::new();
    let servers = site.dir.path().join("resolv.conf");
    std::fs::write(&servers, "nameserver 192.0.2.53\n").unwrap();
    let mut command = where_one_may_mount();
    command.args(["--net", "sh", "-c", SCRIPT, "sh"]).arg(&servers).arg(env!("CARGO_BIN_EXE_kerberos-vault"));
    let said = said_soon(&site, &mut command, "postgres://vault:of-great-value@db.example/vault");
    assert!(said.contains("the server does not answer"), "{said}");
}

/// What a start says that ends in time.
fn said_soon(site: &Site, command: &mut Command, url: &str) -> String {
    let begun = Instant::now();
    command.env("VAULT_DATABASE__URL", url).env(KEY.0, KEY.1).env("VAULT_LOG__LEVEL", "warn");
    let told = output(command.arg("--config").arg(site.dir.path().join("vault.toml")));
    assert!(begun.elapsed() < SOON, "after {:?}: {told:?}", begun.elapsed());
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    let said = only_line(&told);
    assert!(said.starts_with("kerberos-vault cannot start: ") && !said.contains("of-great-value"), "{said}");
    said
}

/// `kerberos-vault health` meanwhile, and when it is gone later.
#[tokio::test(flavor = "multi_thread")]
async fn health_says_that_it_is_gone() {
    let site = Site::new();
    let before = Before::down(&database_on_server(&site.dir).await).await;
    before.set_up(true);
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
        command.env("VAULT_DATABASE__URL", before.url()).env(KEY.0, KEY.1).args(arguments);
        command
    };
    let config = site.dir.path().join("vault.toml");
    let vault = start_by(command(&[]), &config, &site.client).await;
    before.set_up(false);
    let health = || output(command(&["health"]).arg("--config").arg(&config));
    let mut told = health();
    // A recent result is reused.
    until("it is gone", async || {
        told = health();
        told.status.code() == Some(1)
    })
    .await;
    let said = only_line(&told);
    assert!(said.contains("its database does not answer") && said.contains("see to the database"), "{said}");
    before.set_up(true);
    until("it is back", async || health().status.success()).await;
    // Of connections that broke, some are only noticed when they are used.
    until("it stores again", async || site.upload_status().await == 200).await;
    assert!(vault.stop());
}
