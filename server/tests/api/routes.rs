//! What the program serves, as its router, its description and its server functions tell. Lists of tests follow from it, so
//! that nobody has to remember them when a route is added.

use crate::support::{
    ACCESS, ADMIN, Answer, DIRECTORY, FILE_NAME, NAME, PATIENCE, SECRET, SITE_A, Setup, TestVault, recording, send,
};
use futures::future::join_all;
use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;
use serde_json::Value;
use server::state::{AppState, HttpOptions};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A method at a path of the machines' side.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Whether it asks for an account's keys.
    with_credentials: bool,
    /// Whether it is about a recording that is stored.
    about_a_recording: bool,
    /// Whether it has a body.
    has_a_body: bool,
}

impl Operation {
    /// Whether it was answered so. Nothing follows the head of an answer to HEAD, so no code either.
    pub(crate) fn refused_with(&self, answer: &Answer, status: u16, code: &str) {
        assert_eq!(answer.status, status, "{self:?} {answer:?}");
        if self.method != Method::HEAD {
            assert_eq!(answer.code(), code, "{self:?}");
        }
    }
}

/// Every operation that the description has.
fn described() -> Vec<Operation> {
    let description = serde_json::to_value(server::router::describe()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let methods = methods.as_object().unwrap().iter();
        for (name, operation) in methods.filter(|(name, _)| METHODS.contains(&name.to_uppercase().as_str())) {
            let method: Method = name.to_uppercase().parse().unwrap();
            let has = |list: &str, is_it: fn(&Value) -> bool| {
                operation[list].as_array().is_some_and(|all| all.iter().any(is_it))
            };
            let names_a_file = has("parameters", |parameter| parameter["name"] == "X-Kerberos-Storage-FileName");
            found.push(Operation {
                with_credentials: has("security", |way| way["access_key"].is_array()),
                // An upload names what is not there yet.
                about_a_recording: names_a_file && (&method, path.as_str()) != (&Method::POST, "/api/storage"),
                has_a_body: operation["requestBody"].is_object(),
                method,
                path: path.clone(),
            });
        }
    }
    found
}

/// What wants an account's keys.
pub(crate) fn with_credentials() -> Vec<Operation> {
    let all: Vec<_> = described().into_iter().filter(|operation| operation.with_credentials).collect();
    assert!(all.len() >= 7, "{all:?}");
    all
}

/// What is asked with an account's keys about a recording that is stored.
pub(crate) fn about_a_recording() -> Vec<Operation> {
    let all: Vec<_> = with_credentials().into_iter().filter(|operation| operation.about_a_recording).collect();
    assert!(all.len() >= 5, "{all:?}");
    all
}

/// Methods of a path, as the description has them; with what answers HEAD wherever GET is answered.
pub(crate) fn methods(path: &str) -> BTreeSet<String> {
    let of = described().into_iter().filter(|operation| operation.path == path);
    let mut found: BTreeSet<String> = of.map(|operation| operation.method.to_string()).collect();
    if found.contains("GET") {
        found.insert("HEAD".into());
    }
    found
}

/// Paths below `/api` that the description has.
pub(crate) fn machines() -> BTreeSet<String> {
    described().into_iter().map(|operation| operation.path).filter(|path| path.starts_with("/api/")).collect()
}

/// Paths that are no part of the description and lead to no page and no server function; with those of the description's own
/// pages.
const FILES: [&str; 4] = ["/api", "/api/{*rest}", "/media/{id}/file", "/pkg/{*path}"];

/// Every path that the router knows. It tells them only to developers, as text.
async fn patterns(vault: &TestVault) -> BTreeSet<String> {
    let state = AppState::new(vault.vault.clone(), Setup::default().http);
    let router = tokio::task::spawn_blocking(|| format!("{:?}", server::router::router(state))).await.unwrap();
    let (_, paths) = router.split_once("paths: {").expect("axum says which paths a router has");
    let mut found = BTreeSet::new();
    for entry in paths.split("RouteId(").skip(1) {
        let Some((_, text)) = entry.split_once(": \"") else { break };
        found.insert(text.split('"').next().expect("a text ends").to_owned());
    }
    // Its own names for what leads nowhere.
    found.retain(|path| !path.contains("__private__axum"));
    for known in described().iter().map(|o| o.path.as_str()).chain(server_fn_paths().map(|(path, _)| path)) {
        assert!(found.contains(known), "{known} is served, and not among {found:?}");
    }
    found
}

/// With something in the place of every parameter.
fn filled_in(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| match part {
        "{kind}" => "filesystem",
        "{id}" => "1",
        other if other.starts_with('{') => "anything",
        other => other,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// An address for every path.
pub(crate) async fn addresses(vault: &TestVault) -> Vec<String> {
    patterns(vault).await.iter().map(|pattern| filled_in(pattern)).collect()
}

/// Every page but the one where people sign in.
async fn page_patterns(vault: &TestVault) -> BTreeSet<String> {
    let functions: BTreeSet<&str> = server_fn_paths().map(|(path, _)| path).collect();
    let described: BTreeSet<String> = described().into_iter().map(|operation| operation.path).collect();
    let mut pages = patterns(vault).await;
    pages.retain(|path| !functions.contains(path.as_str()) && !described.contains(path));
    pages.retain(|path| !FILES.contains(&path.as_str()) && !path.starts_with("/swagger"));
    assert!(pages.remove("/sign-in") && pages.len() >= 25, "{pages:?}");
    pages
}

/// An address for every page but the one where people sign in.
pub(crate) async fn pages(vault: &TestVault) -> Vec<String> {
    page_patterns(vault).await.iter().map(|pattern| filled_in(pattern)).collect()
}

/// The browser's tests read this list, and fail when they go past one of it: `end2end/tests/addresses.spec.ts`.
#[tokio::test]
async fn the_list_of_pages_is_the_routers() {
    let vault = TestVault::start().await;
    let pages: Vec<String> = page_patterns(&vault).await.into_iter().collect();
    insta::assert_snapshot!("pages", pages.join("\n"));
}

/// What anybody may ask, and be answered well.
fn is_open(method: &Method, address: &str) -> bool {
    let reads = [Method::GET, Method::HEAD].contains(method);
    match address {
        "/sign-in" | "/api/health" | "/api/health/ready" => reads,
        "/api/hls" | "/api/hls/metadata" | "/api/storage/signed" => method == Method::OPTIONS,
        "/api/storage/tus" | "/api/storage/tus/1" => method == Method::OPTIONS,
        "/api/devices/heartbeat" => method == Method::POST,
        // The API's description.
        _ => address.starts_with("/swagger") && reads,
    }
}

/// Whoever adds a route without asking who calls is told here.
#[tokio::test]
async fn a_stranger_gets_nothing_from_any_route_but_the_open_ones() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let mut refused = 0;
    for address in addresses(&vault).await {
        for method in METHODS.map(|name| name.parse::<Method>().unwrap()) {
            // Whoever asks for a page is sent to sign in, machines are not.
            let accept = if address.starts_with("/api/") { "*/*" } else { "text/html" };
            let request = vault.request(method.clone(), &address).header("accept", accept).header(FILE_NAME, &key);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = send(request.header("origin", vault.url(""))).await;
            let body = String::from_utf8_lossy(&answer.body);
            let secrets = [NAME, SITE_A.0, SITE_A.1, ADMIN.1, "site-a"];
            // The description's examples are the same recording's.
            let may_tell = address.starts_with("/swagger");
            assert!(may_tell || secrets.iter().all(|secret| !body.contains(secret)), "{method} {address}: {body}");
            if is_open(&method, &address) {
                continue;
            }
            let sent_to_sign_in = answer.header("location").starts_with("/sign-in");
            let is_refused =
                (400..500).contains(&answer.status) || (300..400).contains(&answer.status) && sent_to_sign_in;
            assert!(is_refused, "{method} {address} answers a stranger {}: {body}", answer.status);
            refused += 1;
        }
    }
    assert!(refused > 300, "{refused}");
    assert_eq!(vault.keys().await, [key]);
}

/// Whoever adds a route that waits for its body for ever is told here.
#[tokio::test]
async fn no_route_waits_for_a_body_for_ever() {
    let http = HttpOptions { form_timeout: Duration::from_millis(200), ..Setup::default().http };
    let setup = Setup { http, idle_timeout: Duration::from_millis(200), ..Setup::default() };
    let vault = TestVault::start_with(setup).await;
    let mut asked = Vec::new();
    for address in addresses(&vault).await {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            asked.push(stalled(&vault, method, address.clone()));
        }
    }
    assert!(asked.len() > 200, "{}", asked.len());
    join_all(asked).await;
}

/// Sends a part of a body, and nothing more. Whoever has keys waits for an upload's bytes, so these are sent too.
async fn stalled(vault: &TestVault, method: &str, address: String) {
    let host = vault.address;
    let head = format!(
        "{method} {address} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n{ACCESS}: {}\r\n{SECRET}: {}\r\n\
         {DIRECTORY}: a\r\n{FILE_NAME}: {NAME}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: 1000\r\n\r\nuser",
        SITE_A.0, SITE_A.1
    );
    let mut connection = TcpStream::connect(host).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let ended = timeout(PATIENCE, connection.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "{method} {address} waits");
}

/// Whoever adds an answer that a proxy may hand to somebody else is told here.
#[tokio::test]
async fn no_answer_that_is_somebodys_is_kept_by_anybody() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let link = send(vault.about(Method::GET, "/api/storage", &key)).await.json()["data"].as_str().unwrap().to_owned();
    let cookie = vault.sign_in().await;
    let mut addresses = addresses(&vault).await;
    addresses.push(link.strip_prefix(&vault.url("")).unwrap().to_owned());
    let (mut well, mut all) = (0, 0);
    // What changes something comes last.
    for method in
        ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"].map(|name| name.parse::<Method>().unwrap())
    {
        for address in addresses.iter().filter(|address| !address.starts_with("/swagger")) {
            let request = vault.about(method.clone(), address, &key).header(DIRECTORY, "a").header("cookie", &cookie);
            let answer = send(request.header("origin", vault.url("")).header("accept", "*/*")).await;
            let lifetime = answer.header("cache-control");
            let is_recording = ["/api/storage/blob", "/media/1/file"].contains(&address.as_str());
            let kept_by_nobody = lifetime.contains("no-store") || is_recording && lifetime == "private, no-cache";
            assert!(kept_by_nobody, "{method} {address} {}: {lifetime:?}", answer.status);
            well += usize::from(answer.status == 200);
            all += 1;
        }
    }
    assert!(well > 50 && all > 300, "{well} of {all}");
}

/// It would be stored as a recording that nothing plays, or read as JSON that is none.
#[tokio::test]
async fn no_body_is_taken_compressed() {
    let vault = TestVault::start().await;
    let bodies: Vec<_> = described().into_iter().filter(|operation| operation.has_a_body).collect();
    assert!(bodies.len() >= 6, "{bodies:?}");
    for operation in bodies {
        let request = vault.agent(operation.method.clone(), &operation.path.replace("{id}", "1"));
        let request = request.header(FILE_NAME, NAME).header(DIRECTORY, "a").header("tus-resumable", "1.0.0");
        let request = request.header("content-type", "application/offset+octet-stream");
        let answer = send(request.header("content-encoding", "gzip").body("compressed")).await;
        operation.refused_with(&answer, 415, "file_unsupported_content_encoding");
    }
    vault.assert_nothing_stored().await;
}
