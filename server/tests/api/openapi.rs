//! The API's description is locked: a change is seen, and meant.

use crate::support::{TestVault, send};
use reqwest::Method;

#[test]
fn the_description_changes_only_on_purpose() {
    insta::assert_snapshot!(server::router::describe().to_pretty_json().unwrap());
}

#[tokio::test]
async fn swagger_ui_shows_it() {
    let vault = TestVault::start().await;
    let page = send(vault.request(Method::GET, "/swagger/index.html")).await;
    assert_eq!(page.status, 200);
    assert!(!String::from_utf8_lossy(&page.body).contains("<script>"), "no inline script: its policy forbids them");
    let document = send(vault.request(Method::GET, "/swagger/doc.json")).await.json();
    assert!(document["paths"]["/api/storage"]["post"].is_object());
    assert!(document["paths"]["/metrics"]["get"].is_object());
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert_eq!(send(vault.request(Method::GET, &format!("/swagger/{file}"))).await.status, 200, "{file}");
    }
}
