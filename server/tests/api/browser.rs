//! What browsers get: headers, sessions, the origin check, files of recordings.

use crate::routes;
use crate::support::{NAME, Setup, TestVault, recording, send};
use reqwest::Method;
use server::state::HttpOptions;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let vault = TestVault::start().await;
    let mut addresses = routes::addresses(&vault).await;
    addresses.extend(["/nothing", "/swagger/index.html", "/pkg/nothing.js"].map(str::to_owned));
    for path in &addresses {
        let answer = send(vault.request(Method::GET, path)).await;
        for (header, part) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("content-security-policy", "default-src"),
        ] {
            assert!(answer.header(header).contains(part), "{path}: {header}");
        }
        assert!(!answer.header("content-security-policy").contains("script-src 'unsafe"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_page_is_404_and_a_page() {
    let vault = TestVault::start().await;
    let answer = send(vault.request(Method::GET, "/nothing/here").header("accept", "text/html")).await;
    assert_eq!(answer.status, 404);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert_eq!(send(vault.request(Method::GET, "/pkg/../../Cargo.toml")).await.status, 404);
    assert_eq!(send(vault.request(Method::GET, "/%2e%2e/%2e%2e/Cargo.toml")).await.status, 404);
}

#[tokio::test]
async fn media_files_need_an_administrator() {
    let vault = TestVault::start().await;
    vault.stored(NAME, recording()).await;
    let id = vault.vault.recordings.list(&Default::default(), Default::default(), 1).await.unwrap().items[0].id;
    let path = format!("/media/{id}/file");
    send(vault.request(Method::GET, &path)).await.refused_with(401, "sign_in_required");
    send(vault.agent(Method::GET, &path)).await.refused_with(401, "sign_in_required");
    let made_up = send(vault.request(Method::GET, &path).header("cookie", "vault=AAAAAAAAAAAAAAAAAAAAAA")).await;
    made_up.refused_with(401, "sign_in_required");
    let page = send(vault.request(Method::GET, &path).header("accept", "text/html,*/*")).await;
    assert!((300..400).contains(&page.status) && page.header("location").starts_with("/sign-in"), "{page:?}");

    let cookie = vault.sign_in().await;
    let get =
        |path: String| send(vault.request(Method::GET, &path).header("cookie", &cookie).header("range", "bytes=0-9"));
    let played = get(path.clone()).await;
    assert_eq!((played.status, played.body.as_ref()), (206, &recording()[..10]));
    assert!(played.header("content-disposition").starts_with("inline"));
    assert!(get(format!("{path}?download=1")).await.header("content-disposition").starts_with("attachment"));
    for missing in ["/media/999999/file", "/media/x/file", "/media/-1/file"] {
        get(missing.into()).await.refused_with(404, "storage_recording_not_found");
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_not_for_scripts() {
    let vault = TestVault::start().await;
    let form = "username=root&password=a+password+for+tests".to_owned();
    let cookie = send(vault.post_form("/api/fn/sign_in", form.clone())).await.header("set-cookie").to_owned();
    assert!(cookie.starts_with("vault=") && !cookie.contains("Secure"), "plain HTTP: {cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let trusting = HttpOptions { trust_proxy: true, ..Setup::default().http };
    let public = HttpOptions { public_url: "https://vault.example".parse().ok(), ..Setup::default().http };
    for http in [trusting, public] {
        let origin = http.public_url.as_ref().map(|url| url.origin().to_owned());
        let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
        let origin = origin.unwrap_or_else(|| vault.url("").replace("http:", "https:"));
        let request = vault.request(Method::POST, "/api/fn/sign_in").header("origin", origin).body(form.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("x-forwarded-proto", "https");
        let cookie = send(request).await.header("set-cookie").to_owned();
        assert!(
            cookie.starts_with("__Host-vault=") && cookie.contains("Secure") && !cookie.contains("Domain"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let vault = TestVault::start().await;
    let cookie = vault.sign_in().await;
    let base = || {
        let request = vault.request(Method::POST, "/api/fn/sign_out").header("cookie", &cookie);
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    for request in [
        base(),
        base().header("origin", "null"),
        base().header("origin", "https://evil.example"),
        base().header("sec-fetch-site", "cross-site").header("origin", vault.url("")),
    ] {
        send(request).await.refused_with(403, "origin_refused");
    }
    let media = send(vault.request(Method::GET, "/media/1/file").header("cookie", &cookie)).await;
    assert_eq!(media.status, 404, "still signed in");
    assert_eq!(send(base().header("origin", vault.url(""))).await.status, 200);
    assert_eq!(send(vault.request(Method::GET, "/media/1/file").header("cookie", &cookie)).await.status, 401);
}

#[tokio::test]
async fn a_form_has_a_limit() {
    let vault = TestVault::start().await;
    let answer = send(vault.post_form("/api/fn/sign_in", format!("username={}", "x".repeat(300_000)))).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn agents_get_no_cookie() {
    let vault = TestVault::start().await;
    assert!(!send(vault.upload(NAME).body(recording())).await.headers.contains_key("set-cookie"));
    assert!(!send(vault.agent(Method::POST, "/api/ping")).await.headers.contains_key("set-cookie"));
}

/// Whoever watches the log for guesses sees them, with JavaScript and without.
#[tokio::test]
async fn a_failed_sign_in_has_its_own_status() {
    let vault = TestVault::start().await;
    let form = |password: &str| vault.post_form("/api/fn/sign_in", format!("username=root&password={password}"));
    assert_eq!(send(form("wrong")).await.status, 401, "a script");
    let plain = |password: &str| {
        let from = vault.url("/sign-in?next=%2Fmedia");
        form(password).header("accept", "text/html,*/*;q=0.8").header("referer", from)
    };
    let page = send(plain("wrong")).await;
    assert!(page.status == 401 && !page.headers.contains_key("location"), "{page:?}");
    let next = page.header("refresh").strip_prefix("0;url=").expect("leads on").to_owned();
    let shown = async |page: &str| {
        let answer = send(vault.request(Method::GET, page).header("accept", "text/html")).await;
        (answer.header("location").to_owned(), String::from_utf8_lossy(&answer.body).into_owned())
    };
    let (_, text) = shown(&next).await;
    assert!(next.contains("/sign-in?next=%2Fmedia&") && text.contains("password is wrong"), "{next}: {text}");
    let right = send(plain("a+password+for+tests")).await;
    assert!((300..400).contains(&right.status) && !right.headers.contains_key("refresh"), "{right:?}");
    let mut last = page;
    for _ in 0..12 {
        last = send(plain("guess")).await;
    }
    assert!(last.status == 429 && last.headers.contains_key("retry-after"), "{last:?}");
}

/// Thousands of strangers may hold one at a time.
#[tokio::test]
async fn a_stranger_sends_no_large_form() {
    let vault = TestVault::start().await;
    let large = |n: usize| format!("username=root&password=a+password+for+tests&next=%2F&more={}", "x".repeat(n));
    let sign_in = |form: String| send(vault.post_form("/api/fn/sign_in", form));
    sign_in(large(8 * 1024)).await.refused_with(413, "body_too_large");
    assert_eq!(sign_in(large(7 * 1024)).await.status, 200);
    let in_chunks = reqwest::Body::wrap_stream(futures::stream::iter(
        (0..20).map(|_| Ok::<_, std::convert::Infallible>("x".repeat(1000))),
    ));
    let request = vault.post_form("/api/fn/sign_in", String::new()).header("cookie", "vault=AAAAAAAAAAAAAAAAAAAAAA");
    send(request.body(in_chunks)).await.refused_with(413, "body_too_large");
    let search = |cookie: String| {
        let form = format!("family=provider&more={}", "x".repeat(100_000));
        send(vault.post_form("/api/fn/list_connections", form).header("cookie", cookie))
    };
    assert_eq!(search(vault.sign_in().await).await.status, 200, "whoever is signed in may");
    search("vault=AAAAAAAAAAAAAAAAAAAAAA".into()).await.refused_with(413, "body_too_large");
}

/// The vault's own box says what the vault said, not what somebody wrote into a link.
#[tokio::test]
async fn nobody_puts_words_into_the_vaults_mouth() {
    let vault = TestVault::start().await;
    let form = vault.post_form("/api/fn/sign_in", "username=root&password=wrong".into()).header("accept", "text/html");
    let page = send(form.header("referer", vault.url("/sign-in?next=%2Fmedia"))).await;
    let ours = page.header("refresh").strip_prefix("0;url=").unwrap().to_owned();
    let (before, error) = ours.split_once("__err=").unwrap();
    let other = "eyJNZXNzYWdlIjoiQ2FsbCA1NTUtMTIzNCJ9";
    let (_, after) = error.split_once("&__said=").unwrap();
    for forged in [
        format!("/sign-in?__path=%2Fapi%2Ffn%2Fsign_in&__err={other}"),
        format!("/sign-in?%5F%5Fpath=%2Fapi%2Ffn%2Fsign_in&%5F%5Ferr={other}"),
        format!("{before}__err={other}&__said={after}"),
        format!("{ours}&__err={other}"),
        format!("/nowhere?__path=a&__err={other}"),
    ] {
        let answer = send(vault.request(Method::GET, &forged).header("accept", "text/html")).await;
        assert!(answer.status == 303 && !answer.header("location").contains("__err"), "{forged}: {answer:?}");
    }
    let evil = vault.post_form("/api/fn/who_am_i", String::new()).header("accept", "text/html");
    let answer = send(evil.header("referer", "http://evil.example/x")).await;
    assert!(!answer.header("location").contains("evil"), "{answer:?}");
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down_by_address() {
    let vault = TestVault::start().await;
    let mut last = 0;
    for attempt in 0..30 {
        last = send(vault.post_form("/api/fn/sign_in", format!("username=name-{attempt}&password=guess"))).await.status;
    }
    assert_eq!(last, 429, "also with a new name each time: the address counts");
}

#[tokio::test]
async fn guessing_from_one_ipv6_network_is_slowed_down_as_one() {
    let trusting = HttpOptions { trust_proxy: true, ..Setup::default().http };
    let vault = TestVault::start_with(Setup { http: trusting, ..Setup::default() }).await;
    let guess = async |from: String| {
        let form = format!("username={}&password=guess", from.replace(':', "-"));
        send(vault.post_form("/api/fn/sign_in", form).header("x-forwarded-for", from)).await.status
    };
    let mut last = 0;
    for attempt in 0..30 {
        last = guess(format!("2001:db8::{attempt:x}")).await;
    }
    assert_eq!(last, 429, "a client owns at least a /64");
    assert_ne!(guess("2001:db8:0:1::1".into()).await, 429, "another network is somebody else");
}

#[tokio::test]
async fn a_changed_password_ends_the_session() {
    let vault = TestVault::start().await;
    let cookie = vault.sign_in().await;
    let user = vault.vault.users.sign_in("root", &model::Secret::new("a password for tests"), "test").await.unwrap();
    let (old, new) = (model::Secret::new("a password for tests"), model::Secret::new("another one for tests, too"));
    vault.vault.users.change_password(user.id, &old, &new).await.unwrap();
    let answer = send(vault.request(Method::GET, "/media/1/file").header("cookie", cookie)).await;
    answer.refused_with(401, "sign_in_required");
}

#[tokio::test]
async fn agents_are_told_the_address_that_others_use() {
    let public = HttpOptions { public_url: "https://vault.example".parse().ok(), ..Setup::default().http };
    for (http, wanted) in [(Setup::default().http, None), (public, Some("https://vault.example"))] {
        let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
        let id = vault.vault.accounts.list().await.unwrap()[0].id;
        let request = vault.request(Method::GET, &format!("/accounts/{id}/keys")).header("accept", "text/html");
        let page = send(request.header("cookie", vault.sign_in().await)).await;
        let page = String::from_utf8_lossy(&page.body).into_owned();
        let here = vault.url("/api");
        assert!(page.contains(&wanted.map_or(here, |base| format!("{base}/api"))), "{page}");
        assert_eq!(page.contains("Only agents on this machine"), wanted.is_none());
    }
}

#[tokio::test]
async fn browsers_that_have_seen_tls_are_told_to_stay_with_it() {
    let public = HttpOptions { public_url: "https://vault.example".parse().ok(), ..Setup::default().http };
    for (http, told) in [(public, "max-age=31536000"), (Setup::default().http, "")] {
        let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
        for path in ["/sign-in", "/api/health", "/nothing-here"] {
            assert_eq!(
                send(vault.request(Method::GET, path)).await.header("strict-transport-security"),
                told,
                "{path}"
            );
        }
    }
}

/// A page of another site that points its own name at the vault.
#[tokio::test]
async fn requests_for_other_names_are_refused_where_names_are_listed() {
    let allowed_hosts = vec!["vault.lan".parse().unwrap()];
    let http = HttpOptions { allowed_hosts, trust_proxy: true, ..Setup::default().http };
    let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
    let status = async |path: &str, name: &'static str, host: &str| {
        send(vault.request(Method::GET, path).header(name, host)).await
    };
    for path in ["/sign-in", "/api/storage", "/nothing-here", "/swagger/index.html"] {
        status(path, "host", "evil.example").await.refused_with(421, "host_refused");
        status(path, "x-forwarded-host", "evil.example").await.refused_with(421, "host_refused");
        assert_ne!(status(path, "host", "vault.lan:8080").await.status, 421, "{path}");
        assert_ne!(status(path, "accept", "by its address on this machine").await.status, 421, "{path}");
    }
    for path in ["/api/health", "/api/health/ready"] {
        assert_eq!(status(path, "host", "10.1.2.3:8080").await.status, 200, "a probe's own way to {path}");
    }
}

/// An agent whose address lacks `/api` is told that, and not that it is another site's page.
#[tokio::test]
async fn where_there_is_nothing_no_origin_is_asked_for() {
    let vault = TestVault::start().await;
    for (method, path) in [(Method::POST, "/storage"), (Method::POST, "/ping"), (Method::DELETE, "/storage")] {
        send(vault.agent(method, path)).await.refused_with(404, "route_not_found");
    }
}
