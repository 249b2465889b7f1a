//! Every registered server function, called by someone who is not signed in.

use crate::routes;
use crate::support::{NAME, TestVault, recording, send};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;

/// Arguments that satisfy all of them, so that a function that forgot to ask who calls would answer.
const ARGUMENTS: &str = "id=1&code=x&to=1&action=pause&ids=1&replay[from]=2026-07-21T00:00&replay[until]=2026-07-22T00:00&key=camera-1&family=provider&kind=filesystem&draft=false&back=/media&query[account]=site-a\
    &password=x&current=x&new=x&repeat=x&connection[id]=1&connection[family]=provider&connection[kind]=filesystem\
    &connection[name]=local&connection[enabled]=true&connection[settings][path]=/tmp/x&account[id]=1&account[name]=site-a\
    &account_id=1&reason=x&leavings=keep&account[provider]=local&account[directory]=*&account[access_key]=a&account[secret_key]=s&account[day_limit]=1";

#[tokio::test]
async fn none_answers_without_signing_in() {
    let vault = TestVault::start().await;
    vault.stored(NAME, recording()).await;
    let mut paths: Vec<(&str, Method)> = server_fn_paths().collect();
    paths.sort_by_key(|(path, _)| *path);
    assert!(paths.len() > 20, "they are registered: {paths:?}");
    for (path, method) in paths {
        let request = match method {
            Method::GET => vault.request(method, &format!("{path}?{ARGUMENTS}")),
            _ => vault.post_form(path, ARGUMENTS.to_owned()),
        };
        let answer = send(request).await;
        // a 400 or 422 would mean that ARGUMENTS lacks something: add it
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(body.len() < 200 && !body.contains("site-a") && !body.contains(NAME), "{path}: {body}");
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    assert_eq!(vault.keys().await.len(), 1);
    assert_eq!(vault.vault.accounts.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_the_callers_mistake() {
    let vault = TestVault::start().await;
    let paths: Vec<&str> = server_fn_paths().map(|(path, _)| path).collect();
    assert!(paths.len() > 20, "they are registered: {paths:?}");
    for form in ["", "id=x", "id=1&id=2&id[a]=3", "%%%", "password[a]=1", "connection=1&account=1&query=1"] {
        for path in &paths {
            let answer = send(vault.post_form(path, form.to_owned())).await;
            assert!((400..500).contains(&answer.status), "{path} {form:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn pages_show_nothing_to_strangers() {
    let vault = TestVault::start().await;
    vault.stored(NAME, recording()).await;
    for page in routes::pages(&vault).await {
        let answer = send(vault.request(Method::GET, &page).header("accept", "text/html")).await;
        let body = String::from_utf8_lossy(&answer.body);
        assert!(!body.contains("site-a") && !body.contains(NAME), "{page}: {body}");
        assert!(
            (300..400).contains(&answer.status) && answer.header("location").starts_with("/sign-in"),
            "{page}: {}",
            answer.status
        );
    }
}
