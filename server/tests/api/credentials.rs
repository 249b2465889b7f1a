//! Missing, wrong and foreign credentials, on every route and method that wants them; addresses (docs/protocol.md §1–§3).

use crate::routes;
use crate::support::{
    ACCESS, ADMIN, FILE_NAME, NAME, PROVIDER, SECRET, SITE_A, SITE_B, TestVault, account, recording, send,
};
use reqwest::Method;
use std::collections::BTreeSet;
use vault::{Principal, Task};

#[tokio::test]
async fn missing_and_wrong_credentials_are_refused_everywhere() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let cases: [(Option<&str>, Option<&str>, u16, &str); 8] = [
        (None, None, 400, "file_missing_access_key"),
        (None, Some(SITE_A.1), 400, "file_missing_access_key"),
        (Some(""), Some(SITE_A.1), 400, "file_missing_access_key"),
        (Some(SITE_A.0), None, 400, "file_missing_secret_access_key"),
        (Some(SITE_A.0), Some("wrong"), 401, "storage_account_not_found"),
        (Some(SITE_A.0), Some(SITE_B.1), 401, "storage_account_not_found"),
        (Some("unknown"), Some(SITE_A.1), 401, "storage_account_not_found"),
        (Some(ADMIN.0), Some(ADMIN.1), 401, "storage_account_not_found"),
    ];
    for operation in routes::with_credentials() {
        for (access, secret, status, code) in cases {
            let mut request = vault.request(operation.method.clone(), &operation.path).header(FILE_NAME, &key);
            request = access.into_iter().fold(request, |r, v| r.header(ACCESS, v));
            request = secret.into_iter().fold(request, |r, v| r.header(SECRET, v));
            operation.refused_with(&send(request).await, status, code);
        }
    }
    assert_eq!(vault.keys().await, [key], "nothing was deleted");
}

#[tokio::test]
async fn another_accounts_recording_is_neither_read_nor_deleted_nor_replaced() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    for operation in routes::about_a_recording() {
        let request = vault.other_agent(operation.method.clone(), &operation.path).header(FILE_NAME, &key);
        let theirs = send(request).await;
        operation.refused_with(&theirs, 404, "storage_recording_not_found");
        let nothing = vault.other_agent(operation.method.clone(), &operation.path).header(FILE_NAME, "a/nothing.mp4");
        assert_eq!(send(nothing).await.body, theirs.body, "{operation:?}: nobody learns what others have");
        let ask = || vault.other_agent(operation.method.clone(), &operation.path).header(FILE_NAME, &key);
        let [there, not] = [send(ask().header(PROVIDER, "off")).await, send(ask().header(PROVIDER, "nowhere")).await];
        assert_eq!((there.status, &there.body), (404, &not.body), "{operation:?}: nor which providers there are");
    }
    // site-b's directory is b; make an account that may name any
    let form = account("site-c", "*", ("AccessKeyOfSiteC", "Q7v9x2-secret-of-c"));
    vault.vault.accounts.save(&Principal::Vault(Task::Provisioning), form).await.unwrap();
    let request = vault.upload(NAME).body("other bytes").build().unwrap();
    let mut request = reqwest::Request::try_clone(&request).unwrap();
    request.headers_mut().insert(ACCESS, "AccessKeyOfSiteC".parse().unwrap());
    request.headers_mut().insert(SECRET, "Q7v9x2-secret-of-c".parse().unwrap());
    let answer = vault.client.execute(request).await.unwrap();
    assert_eq!(answer.status(), 409);
    let kept = send(vault.about(Method::GET, "/api/storage/blob", &key)).await;
    assert_eq!(kept.body, recording());
}

#[tokio::test]
async fn a_disabled_account_is_told_so_and_gets_nothing() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let id = vault.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-a").unwrap().id;
    let form = model::account::AccountForm { id: Some(id), enabled: false, ..account("site-a", "*", SITE_A) };
    vault.vault.accounts.save(&Principal::Vault(Task::Provisioning), form).await.unwrap();
    for operation in routes::with_credentials() {
        let answer = send(vault.about(operation.method.clone(), &operation.path, &key)).await;
        operation.refused_with(&answer, 403, "storage_account_disabled");
    }
    let wrong = send(vault.request(Method::POST, "/api/ping").header(ACCESS, SITE_A.0).header(SECRET, "x")).await;
    assert_eq!(wrong.status, 401, "only its owner learns that it is disabled");
}

#[tokio::test]
async fn guessing_is_slowed_down_for_that_account_alone() {
    let vault = TestVault::start().await;
    let guess = || send(vault.request(Method::POST, "/api/ping").header(ACCESS, SITE_A.0).header(SECRET, "guess"));
    let mut last = guess().await;
    for _ in 0..60 {
        last = guess().await;
    }
    last.refused_with(429, "too_many_requests");
    assert!(last.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(send(vault.other_agent(Method::POST, "/api/ping")).await.status, 200);
}

#[tokio::test]
async fn ping_ignores_its_body() {
    let vault = TestVault::start().await;
    for body in ["", "{", "null", "[1,2"] {
        let answer =
            send(vault.agent(Method::POST, "/api/ping").header("content-type", "application/json").body(body)).await;
        assert_eq!(answer.status, 200, "{body}");
    }
}

#[tokio::test]
async fn bases_that_end_in_a_slash_work() {
    let vault = TestVault::start().await;
    for path in ["/api//ping", "/api/ping/", "//api/ping"] {
        assert_eq!(send(vault.agent(Method::POST, path)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_answer_json() {
    let vault = TestVault::start().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/storage/nothing"] {
        send(vault.agent(Method::GET, path)).await.refused_with(404, "route_not_found");
    }
    for path in routes::machines() {
        let answer = send(vault.agent(Method::PUT, &path)).await;
        answer.refused_with(405, "method_not_allowed");
        let allowed: BTreeSet<_> = answer.header("allow").split(',').map(|method| method.trim().to_owned()).collect();
        assert_eq!(allowed, routes::methods(&path), "{path}");
    }
}
