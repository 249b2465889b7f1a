//! Rights that end while an upload that they admitted arrives.

use crate::support::{PART, TestVault, account, actor, within};
use bytes::Bytes;
use futures::channel::oneshot;
use futures::{Stream, StreamExt as _, stream};
use model::account::{AccountForm, Leavings};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::timeout;
use vault::entity::upload;
use vault::ingest::{Stored, UploadError};

/// Fits into one PUT; needs parts.
const SIZES: [usize; 2] = [100, 3 * PART];

/// What happens to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Disabled,
    SecretKey,
    AccessKey,
    Deleted,
    Provider,
    Directory,
    ExclusiveElsewhere,
    /// Its agents may still do what they did.
    Harmless,
}

impl Change {
    /// What it makes of an upload that runs; nothing if that may go on.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Disabled => Some("storage_account_disabled"),
            Self::SecretKey | Self::AccessKey | Self::Deleted => Some("storage_account_not_found"),
            Self::Provider => Some("storage_provider_not_found"),
            Self::Directory => Some("storage_busy"),
            Self::ExclusiveElsewhere => Some("storage_directory_taken"),
            Self::Harmless => None,
        }
    }

    async fn happen(self, t: &TestVault) {
        let whose = if self == Self::ExclusiveElsewhere { "site-b" } else { "site-a" };
        let id = t.account(whose).await.id;
        let form = AccountForm { id: Some(id), ..account(whose) };
        let form = match self {
            Self::Deleted => return t.vault.accounts.delete(&actor(), id, Leavings::Keep).await.unwrap(),
            Self::Disabled => AccountForm { enabled: false, ..form },
            Self::SecretKey => AccountForm { secret_key: "another-secret-of-site-a".into(), ..form },
            Self::AccessKey => AccountForm { access_key: "another-site-a".into(), ..form },
            Self::Provider => AccountForm { provider: "second".into(), other_providers: Some(Vec::new()), ..form },
            Self::Directory => AccountForm { directory: "elsewhere".into(), ..form },
            Self::ExclusiveElsewhere => AccountForm { directory: "dir".into(), exclusive: true, ..form },
            Self::Harmless => AccountForm { name: "renamed".into(), directory: "dir".into(), day_limit: 9, ..form },
        };
        // The second time, as its former main provider stays one that it may name until somebody says otherwise.
        for form in [form.clone(), form] {
            t.vault.accounts.save(&actor(), form).await.unwrap();
        }
    }
}

/// A body that stops half-way: says so, and goes on when it is told to.
fn halting(
    size: usize,
    is_half: oneshot::Sender<()>,
    goes_on: oneshot::Receiver<()>,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + Unpin + 'static {
    let half = move || stream::iter([Ok(Bytes::from(vec![7; size / 2]))]);
    let halt = stream::unfold((Some(is_half), goes_on), |(is_half, mut goes_on)| async {
        if let Some(is_half) = is_half {
            is_half.send(()).unwrap();
        }
        // Nothing now and then, or it counts as stalled.
        match timeout(Duration::from_millis(5), &mut goes_on).await {
            Ok(told) => {
                told.unwrap();
                None
            }
            Err(_) => Some((Ok(Bytes::new()), (None, goes_on))),
        }
    });
    half().chain(halt).chain(half()).boxed()
}

/// Uploads, and lets something happen half-way.
async fn upload_during(t: &TestVault, size: usize, change: Change) -> Result<Stored, UploadError> {
    let ((half, is_half), (go_on, goes_on)) = (oneshot::channel(), oneshot::channel());
    let (vault, request) = (t.vault.clone(), t.request("a.mp4").await);
    let body = halting(size, half, goes_on);
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    within("half of it has arrived", is_half).await.unwrap();
    change.happen(t).await;
    go_on.send(()).unwrap();
    within("the upload ends", upload).await.unwrap()
}

async fn check(change: Change, size: usize, has_older: bool) {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    if has_older {
        t.upload("a.mp4", b"older").await.unwrap();
    }
    let stored = || t.world.store.objects.lock().unwrap().clone();
    let before = (stored(), t.listed().await.len());
    let outcome = upload_during(&t, size, change).await;
    assert_eq!(outcome.as_ref().err().map(UploadError::code), change.code(), "{outcome:?}");
    let after = (stored(), t.listed().await.len());
    if change == Change::Harmless {
        assert_eq!(after.0["dir/a.mp4"].len(), size);
    } else {
        assert_eq!(after.0.get("dir/a.mp4"), before.0.get("dir/a.mp4"));
        assert_eq!(after.1, before.1, "no row");
    }
    assert!(t.world.second_store.keys().is_empty());
    assert!(t.world.store.uploads.lock().unwrap().is_empty(), "no parts are left");
    let intents = upload::Entity::find().count(&t.tables().await).await.unwrap();
    assert_eq!(intents, 0, "no intent is left");
}

async fn check_all(change: Change) {
    for size in SIZES {
        for has_older in [false, true] {
            check(change, size, has_older).await;
        }
    }
}

#[tokio::test]
async fn an_upload_of_an_account_that_is_disabled_meanwhile_is_not_stored() {
    check_all(Change::Disabled).await;
}

#[tokio::test]
async fn an_upload_whose_keys_are_changed_meanwhile_is_not_stored() {
    check_all(Change::SecretKey).await;
    check_all(Change::AccessKey).await;
}

#[tokio::test]
async fn an_upload_of_an_account_that_is_deleted_meanwhile_is_not_stored() {
    check_all(Change::Deleted).await;
}

#[tokio::test]
async fn an_upload_to_what_is_the_accounts_provider_no_more_is_not_stored() {
    check_all(Change::Provider).await;
}

#[tokio::test]
async fn an_upload_to_what_is_the_accounts_directory_no_more_is_not_stored() {
    check_all(Change::Directory).await;
}

#[tokio::test]
async fn an_upload_to_a_directory_that_another_account_has_taken_meanwhile_is_not_stored() {
    check_all(Change::ExclusiveElsewhere).await;
}

#[tokio::test]
async fn an_upload_goes_on_when_what_it_needs_of_its_account_stays() {
    check_all(Change::Harmless).await;
}
