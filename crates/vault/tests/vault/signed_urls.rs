//! URLs that read a recording without credentials: how long they do, and what ends them (docs/protocol.md §7).

use crate::support::{Fault, TestVault, account, actor, connection, until};
use model::ObjectKey;
use model::account::{AccountForm, Leavings};
use model::connection::Family;
use model::field::Settings;
use model::moving::MoveState;
use percent_encoding::percent_decode_str;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vault::signed_urls::{SignedUrl, Verdict};
use vault::{LookedUp, RecordingRef, Signing, Vault, VaultError, Wanted};

const BASE: &str = "https://vault.example";
const HOUR: Duration = Duration::from_secs(3600);

fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(&format!("dir/{name}")).unwrap()
}

async fn found(t: &TestVault, account: &str, name: &str) -> RecordingRef {
    let account = t.account(account).await;
    t.vault.recordings.find(&account, None, &key(name)).await.unwrap().expect("it is stored")
}

async fn signed(t: &TestVault, account: &str, name: &str) -> String {
    t.vault.recordings.sign(&found(t, account, name).await, BASE, HOUR).await.unwrap()
}

/// As the server reads it.
fn read(url: &str) -> SignedUrl {
    let query = url.strip_prefix("https://vault.example/api/storage/signed?").unwrap_or_else(|| panic!("{url}"));
    let values = query.split('&').zip(["a=", "p=", "f=", "e=", "s="]).map(|(pair, name)| {
        let value = pair.strip_prefix(name).unwrap_or_else(|| panic!("{url}"));
        percent_decode_str(value).decode_utf8().unwrap().into_owned()
    });
    let [account, provider, key, expires, signature] = values.collect::<Vec<_>>().try_into().unwrap();
    SignedUrl { account, provider, key, expires_at_s: expires.parse().unwrap(), signature }
}

async fn is_valid(vault: &Vault, url: &str) -> bool {
    matches!(vault.signed_urls.verify(&read(url)).await.unwrap(), Verdict::Valid { .. })
}

#[tokio::test]
async fn a_url_outlives_moves_renamed_providers_and_accounts_and_a_restart() {
    let mut t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let at_first = signed(&t, "site-a", "a.mp4").await;
    t.deliver();
    for (from, to) in [(from, to), (to, from), (from, to)] {
        t.vault.moves.start(&actor(), from, to).await.unwrap();
        until("it is moved", async || t.vault.moves.list().await.unwrap()[0].state == MoveState::Done).await;
    }
    let after_moves = signed(&t, "site-a", "a.mp4").await;
    assert_eq!((read(&at_first).provider, read(&after_moves).provider), ("local".into(), "second".into()));

    for (id, name, path) in [(from, "first & former", "/tmp/unused"), (to, "local", "/tmp/second")] {
        let form = connection(Family::Provider, "filesystem", name, Settings::new().with("path", path));
        let form = model::connection::ConnectionForm { id: Some(id), ..form };
        t.vault.connections.save(&actor(), form).await.unwrap();
    }
    let id = t.account("site-a").await.id;
    let form = AccountForm { id: Some(id), provider: "local".into(), ..account("site-a") };
    t.vault.accounts.save(&actor(), AccountForm { name: "Hof Süd + Tor".into(), ..form }).await.unwrap();
    let after_names = signed(&t, "site-a", "a.mp4").await;
    assert_eq!((read(&after_names).provider, read(&after_names).account), ("local".into(), "Hof Süd + Tor".into()));

    t.stop().await;
    t.restart().await;
    for url in [at_first, after_moves, after_names] {
        assert!(is_valid(&t.vault, &url).await, "{url}");
    }
}

#[tokio::test]
async fn replicas_take_each_others_urls_and_revocations() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let url = signed(&t, "site-a", "a.mp4").await;
    assert!(is_valid(&other, &url).await);
    other.signed_urls.revoke(&actor(), t.account("site-a").await.id).await.unwrap();
    assert!(!is_valid(&t.vault, &url).await);
}

#[tokio::test]
async fn revoking_ends_all_urls_of_that_account_and_is_audited() {
    let t = TestVault::new().await;
    let mut theirs = t.request("b.mp4").await;
    theirs.account = t.account("site-b").await;
    t.send(theirs, b"x").await.unwrap();
    t.upload("a.mp4", b"x").await.unwrap();
    let (url, theirs) = (signed(&t, "site-a", "a.mp4").await, signed(&t, "site-b", "b.mp4").await);
    let id = t.account("site-a").await.id;
    let stamp = t.vault.accounts.get(id).await.unwrap().updated_at;

    for _ in 0..2 {
        let url = signed(&t, "site-a", "a.mp4").await;
        t.vault.signed_urls.revoke(&actor(), id).await.unwrap();
        assert!(!is_valid(&t.vault, &url).await);
    }
    assert!(!is_valid(&t.vault, &url).await, "what was revoked once stays so");
    assert!(is_valid(&t.vault, &theirs).await, "another account's");
    assert!(is_valid(&t.vault, &signed(&t, "site-a", "a.mp4").await).await, "new ones");
    let audited = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!((audited.action.as_str(), audited.subject.as_str()), ("revoked signed URLs", "site-a"));
    assert_eq!(t.vault.accounts.get(id).await.unwrap().updated_at, stamp, "a form that is open can still be saved");

    let own = t.account("site-a").await.principal();
    let refused = t.vault.signed_urls.revoke(&own, id).await;
    assert!(matches!(refused, Err(VaultError::Forbidden)), "{refused:?}");
    assert!(is_valid(&t.vault, &signed(&t, "site-a", "a.mp4").await).await);
    assert!(matches!(t.vault.signed_urls.revoke(&actor(), 999).await, Err(VaultError::NotFound(_))));
}

#[tokio::test]
async fn what_was_deleted_is_not_played_when_it_is_stored_again() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let url = signed(&t, "site-a", "a.mp4").await;
    t.vault.recordings.delete(&actor(), &found(&t, "site-a", "a.mp4").await).await.unwrap();
    assert!(!is_valid(&t.vault, &url).await);
    t.upload("a.mp4", b"x").await.unwrap();
    assert!(!is_valid(&t.vault, &url).await, "it is another recording");
    let url = signed(&t, "site-a", "a.mp4").await;
    t.upload("a.mp4", b"y").await.unwrap();
    assert!(!is_valid(&t.vault, &url).await, "other content");
    let url = signed(&t, "site-a", "a.mp4").await;
    t.vault.accounts.delete(&actor(), t.account("site-a").await.id, Leavings::Keep).await.unwrap();
    assert!(!is_valid(&t.vault, &url).await, "nobody's");
}

#[tokio::test]
async fn only_what_was_written_is_taken() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    t.upload("b.mp4", b"x").await.unwrap();
    let url = read(&signed(&t, "site-a", "a.mp4").await);
    let change = |what: &dyn Fn(&mut SignedUrl)| {
        let mut changed = url.clone();
        what(&mut changed);
        changed
    };
    let other = read(&signed(&t, "site-a", "b.mp4").await);
    for changed in [
        change(&|url| url.account = "site-b".into()),
        change(&|url| url.provider = "second".into()),
        change(&|url| url.key = "dir/b.mp4".into()),
        change(&|url| url.expires_at_s += 1),
        change(&|url| url.expires_at_s = i64::MAX),
        change(&|url| url.signature.clone_from(&other.signature)),
        change(&|url| url.signature.replace_range(32.., &other.signature[32..])),
        change(&|url| url.signature.replace_range(..32, &other.signature[..32])),
        change(&|url| url.signature.truncate(63)),
        change(&|url| url.signature.push('0')),
        change(&|url| url.signature = url.signature.to_uppercase()),
        change(&|url| url.signature.clear()),
        change(&|url| url.signature = "é".repeat(40)),
    ] {
        assert_eq!(t.vault.signed_urls.verify(&changed).await.unwrap(), Verdict::Invalid, "{changed:?}");
    }
    assert!(matches!(t.vault.signed_urls.verify(&url).await.unwrap(), Verdict::Valid { .. }));
}

/// One as the other, whatever is asked for.
#[tokio::test]
async fn many_are_found_as_each_is() {
    let t = TestVault::new().await;
    let (local, second) = t.add_second_provider().await;
    for name in ["a.mp4", "b.mp4"] {
        t.upload(name, b"x").await.unwrap();
    }
    t.deliver();
    t.vault.moves.start(&actor(), local, second).await.unwrap();
    until("they are moved", async || t.vault.moves.list().await.unwrap()[0].state == MoveState::Done).await;
    // The same key at both.
    t.upload("c.mp4", b"x").await.unwrap();
    let mut elsewhere = t.request_with("c.mp4", &[(model::wire::header::PROVIDER, "second")]).await.unwrap();
    elsewhere.account = t.account("site-a").await;
    t.send(elsewhere, b"y").await.unwrap();
    let mut theirs = t.request("d.mp4").await;
    theirs.account = t.account("site-b").await;
    t.send(theirs, b"x").await.unwrap();
    let renamed = connection(Family::Provider, "filesystem", "renamed", Settings::new().with("path", "/tmp/second"));
    let renamed = model::connection::ConnectionForm { id: Some(second), ..renamed };
    t.vault.connections.save(&actor(), renamed).await.unwrap();
    let third = connection(Family::Provider, "s3", "not theirs", bucket());
    t.vault.connections.save(&actor(), third).await.unwrap();

    let account = t.account("site-a").await;
    let names = ["a.mp4", "b.mp4", "c.mp4", "d.mp4", "never.mp4"];
    let providers = ["", "local", "second", "renamed", "not theirs", "nowhere"];
    let wanted: Vec<Wanted> = names
        .iter()
        .flat_map(|name| providers.map(|provider| Wanted { key: Some(key(name)), provider: provider.into() }))
        .collect();
    let looked_up = t.vault.recordings.find_many(&account, &wanted).await.unwrap();
    let mut found = 0;
    for (one, looked_up) in wanted.iter().zip(&looked_up) {
        let asked = one.key.as_ref().unwrap();
        let alone = t.vault.recordings.find(&account, Some(&one.provider), asked).await.unwrap();
        let is_theirs = ["", "local", "second", "renamed"].contains(&one.provider.as_str());
        match (alone, looked_up) {
            (Some(alone), LookedUp::Found(with_others)) => {
                found += 1;
                assert_eq!((alone.id, alone.sha256), (with_others.id, with_others.sha256.clone()), "{one:?}");
            }
            (None, LookedUp::Nothing) => assert!(is_theirs, "{one:?}"),
            (None, LookedUp::NotItsProvider) => assert!(!is_theirs, "{one:?}"),
            other => panic!("{one:?}: {other:?}"),
        }
    }
    assert_eq!(found, 12, "each of three, by every name of a provider that it has or had, and by none");
    let nothing = [Wanted { key: None, provider: String::new() }, Wanted { key: None, provider: "nowhere".into() }];
    let looked_up = t.vault.recordings.find_many(&account, &nothing).await.unwrap();
    assert!(matches!(looked_up[..], [LookedUp::Nothing, LookedUp::NotItsProvider]), "{looked_up:?}");
}

fn bucket() -> Settings {
    let settings = Settings::new().with("bucket", "recordings").with("region", "eu-west-1");
    settings.with("access_key", "key").with("secret_key", "secret")
}

/// A provider that is to sign does, for its own recordings; while it cannot, the vault does.
#[tokio::test]
async fn each_provider_signs_as_it_is_set() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    let mut wanted = Vec::new();
    for n in 0..4 {
        let (name, provider) = (format!("{n}.mp4"), ["local", "second"][n % 2]);
        let request = t.request_with(&name, &[(model::wire::header::PROVIDER, provider)]).await.unwrap();
        t.send(request, b"x").await.unwrap();
        let found = found(&t, "site-a", &name).await;
        wanted.push(Signing { found, ttl: HOUR * (1 + n as u32), remuxed: false });
    }
    // What no store has, no store signs.
    wanted.push(Signing { remuxed: true, ..wanted[1].clone() });
    t.world.second_store.signs.store(true, Ordering::Relaxed);
    let sign = async || t.vault.recordings.sign_many(&wanted, BASE).await.unwrap();
    let urls = sign().await;
    assert_eq!(urls[1], "https://store.example/dir/1.mp4?expires=7200");
    assert_eq!(urls[3], "https://store.example/dir/3.mp4?expires=14400");
    assert!(urls[4].starts_with(BASE) && urls[4].ends_with("&fragmented=true"), "{}", urls[4]);
    for n in [0, 2] {
        assert!(is_valid(&t.vault, &urls[n]).await, "{}", urls[n]);
    }
    let hours = (read(&urls[2]).expires_at_s - read(&urls[0]).expires_at_s) / 3600;
    assert_eq!((hours, read(&urls[2]).key), (2, "dir/2.mp4".into()));

    t.world.second_store.set(Fault::Down);
    let urls = sign().await;
    for (n, provider) in ["local", "second", "local", "second"].iter().enumerate() {
        assert_eq!((read(&urls[n]).key, read(&urls[n]).provider), (format!("dir/{n}.mp4"), (*provider).to_owned()));
        assert!(is_valid(&t.vault, &urls[n]).await);
    }
}

/// What is damaged is left out, and the others are there.
#[tokio::test]
async fn a_damaged_row_harms_only_itself() {
    use sea_orm::ConnectionTrait as _;
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    t.upload("b.mp4", b"x").await.unwrap();
    t.tables().await.execute_unprepared("UPDATE recordings SET sha256 = 'x' WHERE key = 'dir/a.mp4'").await.unwrap();
    let wanted = ["a.mp4", "b.mp4"].map(|name| Wanted { key: Some(key(name)), provider: String::new() });
    let looked_up = t.vault.recordings.find_many(&t.account("site-a").await, &wanted).await.unwrap();
    assert!(matches!(looked_up[..], [LookedUp::Nothing, LookedUp::Found(_)]), "{looked_up:?}");
}
