//! A vault of its own for every test.

use backends::Backends;
use bytes::Bytes;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use reqwest::{Client, Method, RequestBuilder};
use sea_orm::{ConnectionTrait as _, Database, EntityTrait as _, PaginatorTrait as _};
use serde_json::Value;
use server::config::Metrics;
use server::serve::{self, serve};
use server::state::{AppState, HttpOptions};
use std::env::VarError;
use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::Vault;
use vault::clock::Clock;
use vault::dispatcher::Pace;
use vault::entity::upload;
use vault::{Principal, Task};

pub(crate) const ACCESS: &str = "x-kerberos-storage-accesskey";
pub(crate) const SECRET: &str = "x-kerberos-storage-secretaccesskey";
pub(crate) const PROVIDER: &str = "x-kerberos-storage-provider";
pub(crate) const DIRECTORY: &str = "x-kerberos-storage-directory";
pub(crate) const FILE_NAME: &str = "x-kerberos-storage-filename";

/// Longest that anything may take that comes by itself: only what never comes takes longer, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Credentials as the ecosystem's documentation shows them.
pub(crate) const SITE_A: (&str, &str) = ("AccessKeyOfSiteA", "XJoi2@bgSOvOYBy#");
pub(crate) const SITE_B: (&str, &str) = ("AccessKeyOfSiteB", "another/secret+key=");
pub(crate) const ADMIN: (&str, &str) = ("root", "a password for tests");

/// A name as agents make them.
pub(crate) const NAME: &str = "1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4";

/// What a test may want otherwise.
pub(crate) struct Setup {
    pub(crate) max_upload_bytes: u64,
    pub(crate) idle_timeout: Duration,
    pub(crate) clock: Clock,
    pub(crate) pace: Pace,
    pub(crate) http: HttpOptions,
    pub(crate) serve: serve::Options,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            max_upload_bytes: 20_000_000,
            idle_timeout: Duration::from_secs(20),
            clock: Clock::default(),
            pace: Pace::default(),
            http: HttpOptions {
                public_url: None,
                allowed_hosts: Vec::new(),
                cors_origins: Vec::new(),
                trust_proxy: false,
                signed_url_ttl: Duration::from_secs(60),
                signed_url_max_ttl: Duration::from_secs(3600),
                form_timeout: PATIENCE,
                metrics: Metrics::default(),
            },
            serve: serve::Options::default(),
        }
    }
}

/// A running vault with a provider `local`, a disabled one `off`, the accounts site-a (directory
/// `*`) and site-b (directory `b`), and an administrator.
pub(crate) struct TestVault {
    pub(crate) address: SocketAddr,
    pub(crate) vault: Vault,
    pub(crate) client: Client,
    pub(crate) dir: TempDir,
    /// Address of its tables.
    pub(crate) database: String,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl TestVault {
    pub(crate) async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    pub(crate) async fn start_with(setup: Setup) -> Self {
        let dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap();
        let database = database_url(&dir).await;
        let options = vault::Options {
            database_url: database.clone(),
            data_dir: dir.path().join("data"),
            max_upload_bytes: setup.max_upload_bytes,
            idle_timeout: setup.idle_timeout,
            clock: setup.clock,
            pace: setup.pace,
            public_url: setup.http.public_url.as_ref().map(ToString::to_string),
            signed_url_max_ttl: setup.http.signed_url_max_ttl,
            ..vault::Options::default()
        };
        let vault = Vault::open(options, Arc::new(Backends::new())).await.unwrap();
        Box::pin(furnish(&vault, &dir)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = AppState::new(vault.clone(), setup.http);
        // Building all routes takes more than a megabyte of stack where nothing is optimised: a thread of its own has it.
        let app = tokio::task::spawn_blocking(|| server::router::router(state)).await.unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, app, setup.serve, stop.clone()));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build().unwrap();
        Self { address, vault, client, dir, database, stop, serving }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Without credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// As site-a.
    pub(crate) fn agent(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header(ACCESS, SITE_A.0).header(SECRET, SITE_A.1)
    }

    /// As site-b, into its fixed directory `b`.
    pub(crate) fn other_agent(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header(ACCESS, SITE_B.0).header(SECRET, SITE_B.1)
    }

    /// As site-a's agent uploads.
    pub(crate) fn upload(&self, name: &str) -> RequestBuilder {
        self.agent(Method::POST, "/api/storage")
            .header(DIRECTORY, "a")
            .header(FILE_NAME, name)
            .header("x-kerberos-storage-device", "camera-1")
            .header("x-kerberos-storage-capture", "IPCamera")
            .header("content-type", "video/mp4")
    }

    /// Uploads as site-a and expects success; answers the key.
    pub(crate) async fn stored(&self, name: &str, bytes: impl Into<Bytes>) -> String {
        let answer = send(self.upload(name).body(bytes.into())).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["data"].as_str().unwrap().to_owned()
    }

    /// Lets site-a's agents store at a provider besides their own.
    pub(crate) async fn let_name(&self, provider: &str) {
        let view = self.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-a").unwrap();
        let other_providers = Some([view.other_providers, vec![provider.to_owned()]].concat());
        let form = AccountForm { id: Some(view.id), other_providers, ..account("site-a", "*", SITE_A) };
        self.vault.accounts.save(&Principal::Vault(Task::Provisioning), form).await.unwrap();
    }

    /// As site-a, about a key.
    pub(crate) fn about(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        self.agent(method, path).header(FILE_NAME, key)
    }

    /// Keys of everything stored.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let page = self.vault.recordings.list(&Default::default(), Default::default(), 200).await.unwrap();
        page.items.into_iter().map(|r| r.key).collect()
    }

    /// Files below the provider's folder, whatever they are called, but for the one that says which place it is.
    pub(crate) fn files(&self) -> Vec<String> {
        fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), found);
                } else {
                    found.push(entry.path().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.dir.path().join("recordings"), &mut found);
        found.retain(|file| !file.ends_with("/.vault-place/id"));
        found
    }

    /// Waits until so many uploads have begun and not ended.
    pub(crate) async fn until_uploads_run(&self, count: u64) {
        let tables = Database::connect(self.database.clone()).await.unwrap();
        let running = async || upload::Entity::find().count(&tables).await.unwrap();
        until(&format!("{count} uploads run"), async || running().await == count).await;
    }

    /// Nothing was stored: no row, no file.
    pub(crate) async fn assert_nothing_stored(&self) {
        assert_eq!(self.keys().await, [""; 0]);
        assert_eq!(self.files(), [""; 0]);
    }

    /// Sends bytes as they are and reads what comes back until the end of the connection.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_to_end(&mut stream).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Signs in as a browser does; answers the cookie.
    pub(crate) async fn sign_in(&self) -> String {
        let form = format!("username={}&password={}", ADMIN.0, ADMIN.1.replace(' ', "+"));
        let answer = send(self.post_form("/api/fn/sign_in", form)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A form of one of our own pages.
    pub(crate) fn post_form(&self, path: &str, form: String) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("origin", self.url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }
}

/// Waits until something holds; fails the test when it never does.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            // So that whoever is waited for has the machine.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, wait).await;
}

/// What comes of something that ends by itself; fails the test when it never does.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// Whatever the connection still brings; a reset is a failure, an open connection after 15 s too.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer));
    reading.await.expect("the server ends the connection").expect("the connection is not reset");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A head with site-a's credentials, for raw requests.
pub(crate) fn raw_upload(name: &str, more: &str) -> Vec<u8> {
    let (access, secret) = SITE_A;
    format!(
        "POST /api/storage HTTP/1.1\r\nHost: vault\r\n{ACCESS}: {access}\r\n{SECRET}: {secret}\r\n{DIRECTORY}: a\r\n\
         {FILE_NAME}: {name}\r\n{more}\r\n"
    )
    .into_bytes()
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The error's code; also checks the envelope.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        assert!(body["message"].as_str().is_some_and(|m| !m.is_empty()) && body["message"] == body["data"], "{body}");
        body["error"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn refused_with(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self:?}");
    }
}

/// Sends, reads, and holds every answer to the rule: never a 500.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let answer = Answer { status, headers, body: response.bytes().await.unwrap() };
    assert_ne!(answer.status, 500, "{answer:?}");
    assert!(answer.headers.contains_key("x-request-id") && answer.header("x-content-type-options") == "nosniff");
    answer
}

pub(crate) fn recording() -> Bytes {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/recording.mp4")).unwrap().into()
}

pub(crate) fn filesystem(dir: &TempDir, name: &str, enabled: bool) -> ConnectionForm {
    let folder = if name == "local" { "recordings" } else { name };
    let settings = Settings::new().with("path", dir.path().join(folder).display().to_string());
    ConnectionForm {
        id: None,
        family: Family::Provider,
        kind: "filesystem".into(),
        name: name.into(),
        enabled,
        settings,
        cleared: Vec::new(),
    }
}

pub(crate) fn account(name: &str, directory: &str, (access, secret): (&str, &str)) -> AccountForm {
    AccountForm {
        id: None,
        name: name.into(),
        enabled: true,
        provider: "local".into(),
        secondary_providers: Vec::new(),
        other_providers: None,
        integrations: Vec::new(),
        directory: directory.into(),
        exclusive: false,
        day_limit: 0,
        access_key: access.into(),
        secret_key: secret.into(),
        cloud_analysis: true,
        edge_analysis: false,
    }
}

async fn furnish(vault: &Vault, dir: &TempDir) {
    let actor = Principal::Vault(Task::Provisioning);
    vault.connections.save(&actor, filesystem(dir, "local", true)).await.unwrap();
    vault.connections.save(&actor, filesystem(dir, "off", false)).await.unwrap();
    vault
        .accounts
        .save(&actor, AccountForm { other_providers: Some(vec!["off".into()]), ..account("site-a", "*", SITE_A) })
        .await
        .unwrap();
    vault.accounts.save(&actor, account("site-b", "b", SITE_B)).await.unwrap();
    vault.users.ensure_admin(Some(ADMIN.0), Some(&model::Secret::new(ADMIN.1))).await.unwrap();
}

/// Whether the test runner wants PostgreSQL instead of SQLite.
pub(crate) fn on_postgres() -> bool {
    variable("VAULT_TEST_DATABASE").as_deref() == Ok("postgres")
}

fn variable(name: &str) -> Result<String, VarError> {
    #[expect(clippy::disallowed_methods, reason = "how the test runner says where servers are")]
    std::env::var(name)
}

/// SQLite in the test's folder, or a database of its own on the PostgreSQL server.
async fn database_url(dir: &TempDir) -> String {
    if !on_postgres() {
        return format!("sqlite://{}/vault.db", dir.path().display());
    }
    database_on_server(dir).await
}

/// A database of its own on the PostgreSQL server.
pub(crate) async fn database_on_server(dir: &TempDir) -> String {
    let server = variable("VAULT_TEST_POSTGRES_URL").expect("start one: scripts/services start postgres");
    let unique: String = dir.path().display().to_string().bytes().map(|b| format!("{b:02x}")).collect();
    let name = format!("s_{}", &unique[unique.len().saturating_sub(24)..]);
    let admin = Database::connect(&server).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (base, _) = server.rsplit_once('/').expect("an address with a database");
    format!("{base}/{name}")
}
