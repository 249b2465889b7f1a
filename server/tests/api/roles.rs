//! Connections to Amazon without keys: what the vault's machine, task or pod may use. All of Amazon is made up here, on
//! this machine; the SDK's own variables lead there.

use crate::gate::s3;
use crate::process::output;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::block_in_place;

const TOKEN: &str = "a-pods-own-token";
const NEVER: &str = "9999-12-31T23:59:59Z";

/// What Amazon was asked: what for, and by whose key.
type Asked = Arc<Mutex<Vec<String>>>;

/// Amazon's token service, an instance's metadata service, and a queue.
struct Amazon {
    url: String,
    asked: Asked,
}

impl Amazon {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let router = Router::new().fallback(answer).with_state(asked.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// A queue there, with these keys.
    fn queue(&self, keys: &serde_json::Value) -> String {
        let mut queue = json!({"name": "queue", "queue": "sqs", "region": "eu-west-1", "topic": "recordings", "endpoint": self.url});
        queue.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        json!([queue]).to_string()
    }
}

async fn answer(State(asked): State<Asked>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    let told = |what: &str| asked.lock().unwrap().push(what.to_owned());
    if body.contains("Action=AssumeRoleWithWebIdentity") {
        let pods = body.contains(&format!("WebIdentityToken={TOKEN}")) && body.contains("RoleArn=arn%3Aaws%3Aiam");
        assert!(pods && header("authorization").is_empty(), "{body}");
        told("a role for a pod");
        return format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAPOD</AccessKeyId>\
             <SecretAccessKey>of-great-value</SecretAccessKey><SessionToken>session-of-the-pod</SessionToken>\
             <Expiration>{NEVER}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
             </AssumeRoleWithWebIdentityResponse>"
        )
        .into_response();
    }
    match (method, uri.path()) {
        (Method::PUT, "/latest/api/token") => {
            ([("x-aws-ec2-metadata-token-ttl-seconds", "21600")], "metadata-token").into_response()
        }
        (Method::GET, "/latest/meta-data/iam/security-credentials/") => "vault-role".into_response(),
        (Method::GET, "/latest/meta-data/iam/security-credentials/vault-role") => {
            assert_eq!(header("x-aws-ec2-metadata-token"), "metadata-token");
            told("the instance's role");
            let credentials = json!({
                "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "of-great-value",
                "Token": "session-of-the-instance", "LastUpdated": NEVER, "Expiration": NEVER,
            });
            credentials.to_string().into_response()
        }
        (Method::POST, "/") if header("x-amz-target") == "AmazonSQS.GetQueueUrl" => {
            let by = header("authorization");
            let key = by.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            told(format!("the queue, by {key} {}", header("x-amz-security-token")).trim_end());
            ([("content-type", "application/x-amz-json-1.0")], r#"{"QueueUrl":"http://queue/recordings"}"#)
                .into_response()
        }
        (method, path) => panic!("nobody should ask {method} {path}"),
    }
}

/// Runs `check` with these variables; answers what it says, its log included.
fn check(home: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    for ours in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        command.env_remove(ours);
    }
    command.arg("check").current_dir(home).env("HOME", home).envs(variables.iter().copied());
    let said = block_in_place(|| output(&mut command));
    let said = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(!said.contains("of-great-value") && !said.contains("session-of") && !said.contains(TOKEN), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_uses_its_role() {
    let (home, amazon) = (tempfile::tempdir().unwrap(), Amazon::open().await);
    let token = home.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let queue = amazon.queue(&json!({}));
    let pod = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/vault"),
        ("AWS_ENDPOINT_URL_STS", &amazon.url),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("VAULT_INTEGRATIONS", &queue),
    ];
    let said = check(home.path(), &pod);
    assert!(said.contains("integration queue (sqs)\n") && said.contains("  ok      queue\n"), "{said}");
    assert_eq!(amazon.asked(), ["a role for a pod", "the queue, by ASIAPOD session-of-the-pod"]);

    // With keys nobody is asked for a role.
    let queue = amazon.queue(&json!({"access_key": "AKIAKEYS", "secret": "of-great-value"}));
    let with_keys = [&pod[..4], &[("VAULT_INTEGRATIONS", queue.as_str())]].concat();
    let said = check(home.path(), &with_keys);
    assert!(said.contains("  ok      queue\n"), "{said}");
    assert_eq!(amazon.asked(), ["the queue, by AKIAKEYS"]);

    std::fs::remove_file(&token).unwrap();
    let said = check(home.path(), &pod);
    assert!(said.contains("FAILED  queue: The credentials of the vault's role cannot be fetched."), "{said}");
    assert_eq!(amazon.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_uses_its_role() {
    let (home, amazon) = (tempfile::tempdir().unwrap(), Amazon::open().await);
    let queue = amazon.queue(&json!({}));
    let instance = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", amazon.url.as_str()), ("VAULT_INTEGRATIONS", &queue)];
    let said = check(home.path(), &instance);
    assert!(said.contains("  ok      queue\n"), "{said}");
    assert_eq!(amazon.asked(), ["the instance's role", "the queue, by ASIAINSTANCE session-of-the-instance"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_and_role_it_is_said_what_is_missing() {
    let (home, amazon) = (tempfile::tempdir().unwrap(), Amazon::open().await);
    let queue = amazon.queue(&json!({}));
    let bucket = json!([{
        "name": "bucket", "provider": "aws", "region": "us-east-1", "bucket": s3("BUCKET"), "endpoint": s3("ENDPOINT"),
        "path_style": true,
    }])
    .to_string();
    let nothing = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("VAULT_INTEGRATIONS", queue.as_str()),
        ("VAULT_STORAGE_PROVIDERS", &bucket),
    ];
    let said = check(home.path(), &nothing);
    for step in ["queue", "authenticate"] {
        let told = format!("FAILED  {step}: There are no keys, and the vault's machine, task or pod has no role.");
        assert!(said.contains(&told), "{said}");
    }
    assert_eq!(amazon.asked(), [""; 0]);

    // The chain begins with the environment; a server that checks signatures takes them.
    let (access, secret) = (s3("ACCESS_KEY"), s3("SECRET_KEY"));
    let keys = [("AWS_ACCESS_KEY_ID", access.as_str()), ("AWS_SECRET_ACCESS_KEY", &secret)];
    let said = check(home.path(), &[&nothing[2..], &keys].concat());
    assert!(said.contains("  ok      write\n") && !said.contains("FAILED"), "{said}");
}
