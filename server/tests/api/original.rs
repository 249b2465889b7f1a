//! A vault in the place of an original one: started with its variables alone (docs/replace.md).

use crate::binary::start_as;
use crate::gate::s3;
use crate::process::{Client, free_address, http, output};
use crate::support::{recording, until};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const SECRETS: [&str; 3] = ["of-great-value", "correct horse battery", "sk-of-the-fleet"];
const NAME: &str = "1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4";

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.current_dir(dir).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A bucket of the test server, as the original's variable has it.
fn providers() -> Value {
    json!([{
        "name": "archive", "provider": "minio", "host": s3("ENDPOINT").replace("http://", ""), "region": "us-east-1",
        "bucket": s3("BUCKET"), "access_key": s3("ACCESS_KEY"), "secret": s3("SECRET_KEY"), "use_ssl": "false",
    }])
}

fn accounts(directory: &str) -> Value {
    json!([{
        "account": "fleet", "directory": directory, "provider": "archive", "access_key": "ak",
        "secret_access_key": "sk", "limit": "30", "queues": ["hub"],
    }])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_variables_make_a_vault_that_stores_tells_and_signs() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, heard) = hub().await;
    let address = free_address();
    let public = format!("http://{address}");
    let directory = format!("fleet-{}", std::process::id());
    let integrations = json!([{
        "name": "hub", "queue": "kerberoscloud", "url": format!("http://{hub}"), "cloudkey": "of-great-value",
    }]);
    let variables = [
        ("VAULT_STORAGE_PROVIDERS", providers().to_string()),
        ("VAULT_INTEGRATIONS", integrations.to_string()),
        ("VAULT_ACCOUNTS", accounts(&directory).to_string()),
        ("VAULT_SIGNING", "true".into()),
        ("VAULT_PUBLIC_URL", public.clone()),
        ("DEFAULT_URI_EXPIRY_TIME", "86400".into()),
        ("FORWARDING_CONCURRENCY_RATE", "20".into()),
        ("KERBEROS_LOGIN_USERNAME", "operator".into()),
        ("KERBEROS_LOGIN_PASSWORD", "correct horse battery".into()),
        ("MONGODB_HOST", "mongodb.mongodb".into()),
        ("MONGODB_PASSWORD", "of-great-value".into()),
        ("MQTTURI", "tcp://mqtt.example:1883".into()),
        ("VAULT_SERVER__LISTEN", address.to_string()),
    ];
    let (running, printed) = start_as(command(dir.path()).envs(variables.clone()), "Kerberos Vault is running at ");
    assert!(printed.contains(&public) && !printed.contains("Sign in as"), "{printed}");

    let client = Client { http: http(), base: format!("{public}/api"), directory: "whatever".into() };
    let sent = client.request(Method::POST, "/storage", NAME).body(recording()).send().await.unwrap();
    assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
    let key = format!("{directory}/{NAME}");
    until("the Hub hears of it", async || !heard.lock().unwrap().is_empty()).await;
    let (cloud_key, event) = heard.lock().unwrap()[0].clone();
    assert_eq!(cloud_key, "of-great-value");
    assert_eq!((&event["message"]["source"], &event["message"]["payload"]["key"]), (&json!("archive"), &json!(key)));

    let signed = client.request(Method::GET, "/storage", &key).send().await.unwrap().json::<Value>().await.unwrap();
    let url = signed["data"].as_str().unwrap();
    assert!(url.starts_with(&format!("{public}/api/storage/signed?")), "{url}");
    assert_eq!(client.http.get(url).send().await.unwrap().bytes().await.unwrap(), recording());

    let sign_in = client.http.post(format!("{public}/api/fn/sign_in")).header("origin", &public);
    let sign_in = sign_in.header("content-type", "application/x-www-form-urlencoded");
    let sign_in = sign_in.body("username=operator&password=correct+horse+battery");
    let cookie = sign_in.send().await.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
    for page in ["providers", "integrations", "accounts"] {
        let page = client.http.get(format!("{public}/{page}")).header("cookie", cookie.split(';').next().unwrap());
        let text = page.header("accept", "text/html").send().await.unwrap().text().await.unwrap();
        assert!(text.contains("provisioned") && !text.contains("aria-label=\"Edit "), "read-only: {text}");
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)));
    }

    let (ended_well, log) = running.stop();
    assert!(ended_well, "{log}");
    for told in
        ["MONGODB_HOST, MONGODB_PASSWORD are not used", "MQTTURI is not used", "FORWARDING_CONCURRENCY_RATE concerns"]
    {
        assert!(log.contains(told), "{told}: {log}");
    }
    assert!(SECRETS.iter().all(|secret| !log.contains(secret)), "{log}");
}

/// What `check` says is what the start would have said.
#[test]
fn a_wrong_variable_stops_the_start_and_is_named_without_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = r#"[{"name":"archive","provider":"minio","host":"m:9000","access_key":"a","secret":"of-great-value"}]"#;
    for arguments in [&[][..], &["check"]] {
        let said = output(
            command(dir.path())
                .args(arguments)
                .env("VAULT_STORAGE_PROVIDERS", wrong)
                .env("VAULT_URL_SIGNING_KEY", "of-great-value"),
        );
        assert_eq!(said.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        let mut lines: Vec<_> = said.lines().map(|line| line.split(": cannot").next().unwrap()).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "environment variable VAULT_STORAGE_PROVIDERS: provider \"archive\": 'bucket': Bucket is required",
                "environment variable VAULT_URL_SIGNING_KEY",
            ]
        );
        assert!(!said.contains("of-great-value") && !dir.path().join("data").exists(), "{said}");
    }
}

/// What a Hub was sent: its key, and what came with it.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

async fn hub() -> (SocketAddr, Heard) {
    async fn queue(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) {
        let key = headers["x-kerberos-cloud-key"].to_str().unwrap().to_owned();
        heard.lock().unwrap().push((key, serde_json::from_slice(&body).unwrap()));
    }
    let heard = Heard::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/queue", post(queue)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, heard)
}
