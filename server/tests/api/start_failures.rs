//! Every start that fails says why in one sentence, soon, and tells no secret.

use crate::data_folder::{Site, only_line};
use crate::process::{free_address, output, where_one_may_mount};
use sea_orm::{ConnectionTrait as _, Database};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The longest that an operator waits for the sentence.
const SOON: Duration = Duration::from_secs(10);
const SECRETS: [&str; 4] = ["of-great-value", "correct horse", "\"sk\"", "QUFBQUFBQUFB"];

/// What is said by a start with these settings.
fn said(site: &Site, settings: &[(&str, &str)]) -> String {
    said_by(start(Command::new("timeout"), site), settings)
}

/// With the rest of what starts a vault of this site and ends one that starts all the same.
fn start(mut command: Command, site: &Site) -> Command {
    command.arg("20").arg(env!("CARGO_BIN_EXE_kerberos-vault")).arg("--config").arg(site.dir.path().join("vault.toml"));
    command
}

fn said_by(mut command: Command, settings: &[(&str, &str)]) -> String {
    let begun = Instant::now();
    // What went well before it is of no interest.
    command.env("VAULT_LOG__LEVEL", "warn");
    let output = command.envs(settings.iter().copied()).output().unwrap();
    let said = only_line(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(begun.elapsed() < SOON, "{said}");
    assert!(said.starts_with("kerberos-vault cannot start: "), "{said}");
    assert!(!said.contains("vault's log"), "there is none: {said}");
    assert!(SECRETS.iter().all(|secret| !said.contains(secret)), "{said}");
    said
}

/// A vault that ran once.
async fn used() -> Site {
    let site = Site::new();
    let vault = site.start().await;
    site.upload(0..40).await;
    assert!(vault.stop());
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_folder_the_port_or_the_key_says_why_and_what_to_do() {
    let site = used().await;
    let file = site.dir.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    for (dir, why) in [(file.to_str().unwrap(), "File exists"), ("/proc/no-such-folder", "No such file or directory")] {
        // The database goes with the folder, unless it is set.
        let said = said(&site, &[("VAULT_DATA__DIR", dir)]);
        assert!(said.contains(dir) && said.contains(why) && said.contains("give the vault's user"), "{said}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = said(&site, &[("VAULT_SERVER__LISTEN", &address)]);
    assert!(port.contains(&format!("cannot listen on {address}")) && port.contains("choose another"), "{port}");

    let other = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    let wrong = said(&site, &[("VAULT_DATA__MASTER_KEY", other)]);
    assert!(wrong.contains("Restore the key file that belongs to this database"), "{wrong}");
    let malformed = said(&site, &[("VAULT_DATA__MASTER_KEY", "of-great-value")]);
    assert!(malformed.contains("must be 32 bytes in base64"), "{malformed}");
    let no_file = output(Command::new(env!("CARGO_BIN_EXE_kerberos-vault")).args(["--config", "/no/such.toml"]));
    let no_file = only_line(&no_file);
    assert!(no_file.contains("/no/such.toml") && no_file.contains("No such file or directory"), "{no_file}");
    std::fs::remove_file(site.data().join("master.key")).unwrap();
    let missing = said(&site, &[]);
    assert!(missing.contains("master.key is missing") && missing.contains("restore it from a backup"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_folder_that_cannot_be_written_says_which_one_it_is() {
    let site = used().await;
    let folder = site.data().display().to_string();
    let script = format!("mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec timeout \"$@\"");
    let mut command = where_one_may_mount();
    command.args(["sh", "-c", &script, "sh"]);
    let said = said_by(start(command, &site), &[]);
    assert!(said.contains(&folder) && said.contains("Read-only file system"), "{said}");
    assert!(said.contains("on a volume that it may write to"), "{said}");

    // After the clean stop, everything is in one file.
    let backup = site.dir.path().join("backup.db");
    let mut command = where_one_may_mount();
    command.args(["sh", "-c", &script, "sh", "20", env!("CARGO_BIN_EXE_kerberos-vault"), "backup"]);
    let made = command.arg(&backup).arg("--config").arg(site.dir.path().join("vault.toml")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(backup.exists());
}

/// An empty vault in its place would take uploads, and restoring a backup later would forget them.
#[tokio::test(flavor = "multi_thread")]
async fn whose_database_is_gone_does_not_begin_anew() {
    let site = used().await;
    std::fs::remove_file(site.data().join("vault.db")).unwrap();
    for sign in ["master.key", "reserve"] {
        let said = said(&site, &[("VAULT_DATA__MASTER_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")]);
        assert!(said.contains("vault.db is missing") && said.contains(sign) && said.contains("restore FILE"), "{said}");
        assert!(!site.data().join("vault.db").exists());
        std::fs::remove_file(site.data().join(sign)).unwrap();
    }
    assert!(site.start().await.stop(), "without a sign of an earlier one it begins");

    // What only the log holds would be destroyed by beginning anew.
    let site = Site::new();
    let mut vault = site.start().await;
    site.upload(0..3).await;
    vault.kill();
    let whole = std::fs::read(site.data().join("vault.db")).unwrap();
    for name in ["master.key", "reserve"] {
        std::fs::remove_file(site.data().join(name)).unwrap();
    }
    for broken in ["removed", "emptied"] {
        match broken {
            "removed" => std::fs::remove_file(site.data().join("vault.db")).unwrap(),
            _ => std::fs::write(site.data().join("vault.db"), "").unwrap(),
        }
        let said = said(&site, &[]);
        assert!(said.contains("vault.db is missing") && said.contains("vault.db-wal"), "{broken}: {said}");
    }
    std::fs::write(site.data().join("vault.db"), whole).unwrap();
}

/// Issue 7, finding 9: a vault on a damaged database started, and was ready.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_database_that_is_none_damaged_or_newer_says_so_and_names_restore() {
    let site = used().await;
    let file = site.data().join("vault.db");
    let whole = std::fs::read(&file).unwrap();
    let put = |bytes: &[u8]| std::fs::write(&file, bytes).unwrap();
    let named = |said: String, what: &str| {
        let restore = said.contains("kerberos-vault restore FILE");
        assert!(said.contains(what) && said.contains(&file.display().to_string()) && restore, "{said}");
    };

    put(&b"a letter to my aunt, ".repeat(100));
    named(said(&site, &[]), "is not an SQLite database");
    put(&whole[..whole.len() / 2]);
    named(said(&site, &[]), "is damaged");
    let mut damaged = whole.clone();
    let last = damaged.len() - 4096;
    for page in damaged[4096..last].chunks_mut(4096) {
        page[..8].fill(0xff);
    }
    put(&damaged);
    named(said(&site, &[]), "is damaged");
    assert_eq!(std::fs::read(&file).unwrap(), damaged, "it is left as it is");

    put(&whole);
    migrated_by_a_newer_one(&file).await;
    let newer = said(&site, &[]);
    assert!(newer.contains("by a newer vault") && newer.contains("restore a backup"), "{newer}");
}

pub(crate) async fn migrated_by_a_newer_one(file: &Path) {
    let database = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_tomorrow', 0)";
    database.execute_unprepared(sql).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_database_server_says_why_and_never_its_password() {
    let site = Site::new();
    let closed = free_address();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let refusing = refusing_server().to_string();
    let host = refusing.as_str();
    let (encrypted, certificate) = server_of_another_name();
    let root = site.dir.path().join("root.pem");
    std::fs::write(&root, certificate).unwrap();
    let verified = |mode: &str| format!("postgres?sslmode={mode}&sslrootcert={}", root.display());
    let address = |host: &str, rest: &str| format!("postgres://vault:of-great-value@{host}/{rest}");
    for (url, why) in [
        (address(&closed.to_string(), "postgres"), "Connection refused"),
        (address(&silent.to_string(), "postgres"), "does not answer"),
        (address(host, "postgres"), "password authentication failed"),
        (address("no-such-host.invalid", "postgres"), "lookup"),
        (address(host, "postgres?sslmode=verify-full"), "TLS"),
        (address(&encrypted.to_string(), &verified("verify-full")), "not valid for name"),
        (address(&encrypted.to_string(), "postgres?sslmode=verify-full"), "UnknownIssuer"),
    ] {
        let key = ("VAULT_DATA__MASTER_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=");
        let said = said(&site, &[("VAULT_DATABASE__URL", &url), key]);
        assert!(said.contains("cannot open the database") && said.contains(why), "{why}: {said}");
        assert!(said.contains("check that the server runs") && !said.contains("postgres://"), "{said}");
    }
}

/// A PostgreSQL server without TLS that knows nobody. The real one is all tests', and may have no connection left.
fn refusing_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(|client| drop(refuse(client.unwrap()))));
    address
}

/// One that has TLS and a certificate for another host; answers that certificate as well.
fn server_of_another_name() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["db.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let tls = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut asked_for_tls = [0; 8];
            client.read_exact(&mut asked_for_tls).await.unwrap();
            client.write_all(b"S").await.unwrap();
            let _ = tls.accept(client).await;
        }
    });
    (address, made.cert.pem())
}

fn refuse(mut client: TcpStream) -> std::io::Result<()> {
    let mut message = [0; 1000];
    // It is asked for TLS first, which has a number of its own.
    let mut length = client.read(&mut message)?;
    if message[..length].ends_with(&80_877_103_u32.to_be_bytes()) {
        client.write_all(b"N")?;
        length = client.read(&mut message)?;
    }
    if length > 0 {
        let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"vault\"\0\0";
        client.write_all(b"E")?;
        client.write_all(&(fields.len() as u32 + 4).to_be_bytes())?;
        client.write_all(fields)?;
    }
    Ok(())
}
