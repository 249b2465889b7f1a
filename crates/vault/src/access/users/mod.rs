//! People who sign in.

use crate::access::guessable;
use crate::base::db::Db;
use crate::base::entity::user;
use crate::base::keys::random_text;
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use argon2::Argon2;
use argon2::PasswordHasher as _;
use attempts::Attempts;
use failures::Failures;
use hashing::{Busy, For, Hashing, Memory};
use model::Secret;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

mod attempts;
mod failures;
mod hashing;

pub use crate::access::guessable::{MAX_PASSWORD, MIN_PASSWORD};

/// Name of the first administrator where none is configured.
pub const DEFAULT_ADMIN: &str = "root";

/// Row id of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserId(pub i64);

/// A person who signed in. Nobody outside this crate can make one up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// Row id.
    pub id: UserId,
    /// Name to sign in with.
    pub username: String,
    /// Changes with the password, which ends older sessions.
    pub epoch: i64,
    /// Whether the configuration has a password for them; if that changes, the next start applies it.
    pub configured: bool,
}

impl User {
    /// Them, as use cases want to know.
    pub fn principal(&self) -> Principal {
        Principal::Person { name: self.username.clone() }
    }
}

/// The first administrator, whose password was just generated.
pub struct FirstAdmin {
    /// Name to sign in with.
    pub username: String,
    /// To be printed once.
    pub password: Secret,
}

/// Signs people in.
#[derive(Clone)]
pub struct Users {
    db: Db,
    attempts: Arc<Attempts>,
    failures: Arc<Failures>,
    hashing: Hashing,
}

impl Users {
    pub(crate) fn new(db: Db) -> Self {
        let failures = Arc::new(Failures::new(db.clone()));
        Self { db, attempts: Arc::default(), failures, hashing: Hashing::new() }
    }

    /// Creates the first administrator. A configured password is applied only if it differs from the one configured
    /// before, so that a password changed in the UI stays. Without one, the first start generates a password and
    /// returns it.
    pub async fn ensure_admin(&self, username: Option<&str>, password: Option<&Secret>) -> Result<Option<FirstAdmin>> {
        let Some(password) = password else {
            let first = self.first_admin(username).await?;
            match &first {
                Some(first) => self.keep(first).await?,
                None => self.mark_configured(None).await?,
            }
            return Ok(first);
        };
        let username = username.unwrap_or(DEFAULT_ADMIN).to_owned();
        let stored = self.by_name(&username).await?;
        if let Some(user) = &stored
            && self.db.damaged_rows().reported(user.check_configured()).is_err()
        {
            // Whether it was applied before is unknown, so keep the password that may have been chosen since.
            return Ok(None);
        }
        let (applied, current) = stored.map(|user| (user.configured_hash, user.password_hash)).unzip();
        if let Some(applied) = applied.flatten()
            && self.verify(For::Known, password.clone(), applied).await?
        {
            return Ok(None);
        }
        if !self.verify(For::Known, password.clone(), current.unwrap_or_default()).await? {
            self.set_password(&username, password).await?;
        }
        self.mark_configured(Some(username)).await?;
        Ok(None)
    }

    /// A first administrator with a random password, if there is nobody yet. To be shown, and then [kept](Self::keep): if a kill
    /// comes in between, the next start shows another one, and nobody is locked out.
    pub async fn first_admin(&self, username: Option<&str>) -> Result<Option<FirstAdmin>> {
        if user::Entity::find().count(self.db.read()).await? > 0 {
            return Ok(None);
        }
        let username = username.unwrap_or(DEFAULT_ADMIN).to_owned();
        Ok(Some(FirstAdmin { username, password: Secret::new(random_text()) }))
    }

    /// Makes the first administrator.
    pub async fn keep(&self, first: &FirstAdmin) -> Result<()> {
        self.set_password(&first.username, &first.password).await?;
        Ok(())
    }

    /// Records that this user's password is the configured one, and that no other user's is.
    async fn mark_configured(&self, username: Option<String>) -> Result<()> {
        use user::Column::{ConfiguredHash, PasswordHash, Username};
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let forget = user::Entity::update_many().col_expr(ConfiguredHash, Expr::val(None::<String>));
                    forget.filter(ConfiguredHash.is_not_null()).exec(tx).await?;
                    if let Some(username) = username {
                        let mark = user::Entity::update_many().col_expr(ConfiguredHash, Expr::col(PasswordHash));
                        mark.filter(Username.eq(username)).exec(tx).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Checks name and password, and notes in the audit log when they are wrong, or too many were. Unknown names take as
    /// long as wrong passwords.
    pub async fn sign_in(&self, username: &str, password: &Secret, peer: &str) -> Result<User> {
        let signed_in = self.try_to_sign_in(username, password, peer).await;
        if let Err(VaultError::WrongPassword | VaultError::TooMany { .. }) = signed_in {
            self.failures.note(peer, username).await;
        }
        signed_in
    }

    async fn try_to_sign_in(&self, username: &str, password: &Secret, peer: &str) -> Result<User> {
        self.attempts.admit(peer, username, self.db.clock().elapsed())?;
        let whose = if self.attempts.is_proven(peer, username) { For::Known } else { For::Stranger };
        let stored = self.by_name(username).await?;
        if let Some(user) = &stored {
            // Reported to administrators only: whoever signs in has not proved to be one yet.
            let _ = self.db.damaged_rows().reported(user.check());
        }
        let hash = stored.as_ref().map_or_else(|| DECOY.to_owned(), |u| u.password_hash.clone());
        let matches = password.expose().len() <= MAX_PASSWORD && self.verify(whose, password.clone(), hash).await?;
        match stored {
            Some(user) if matches => {
                self.attempts.forget(peer, username);
                Ok(user.into())
            }
            _ => Err(VaultError::WrongPassword),
        }
    }

    /// Now, Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.db.now_ms()
    }

    /// The person a session belongs to; `None` if the password has changed since, or they were deleted.
    pub async fn current(&self, id: UserId, epoch: i64) -> Result<Option<User>> {
        let found = user::Entity::find_by_id(id.0).one(self.db.read()).await?;
        Ok(found.filter(|u| u.epoch == epoch).map(User::from))
    }

    /// Changes a password, which ends every other session of that person.
    pub async fn change_password(&self, id: UserId, current: &Secret, new: &Secret) -> Result<User> {
        let stored = user::Entity::find_by_id(id.0).one(self.db.read()).await?.ok_or(VaultError::NotFound("user"))?;
        self.attempts.admit_change(id.0, self.db.clock().elapsed())?;
        if !self.verify(For::Known, current.clone(), stored.password_hash.clone()).await? {
            return Err(VaultError::invalid("current", "The current password is wrong"));
        }
        self.attempts.forget_changes(id.0);
        if let Some(why) = guessable::password(&stored.username, new) {
            return Err(VaultError::invalid("new", format!("The new password {why}")));
        }
        self.set_password(&stored.username, new).await
    }

    async fn by_name(&self, username: &str) -> Result<Option<user::Model>> {
        // PostgreSQL does not even look for such a name.
        if username.contains('\0') {
            return Ok(None);
        }
        Ok(user::Entity::find().filter(user::Column::Username.eq(username)).one(self.db.read()).await?)
    }

    async fn set_password(&self, username: &str, password: &Secret) -> Result<User> {
        let hash = self.hash(password.clone()).await?;
        let username = username.to_owned();
        let epoch = self.db.now_ms();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let stored = user::Entity::find().filter(user::Column::Username.eq(&username)).one(tx).await?;
                    let saved = match stored {
                        Some(user) => {
                            let next = epoch.max(user.epoch + 1);
                            let mut row = user.into_active_model();
                            row.password_hash = Set(hash);
                            row.epoch = Set(next);
                            row.update(tx).await?
                        }
                        None => {
                            let row = user::ActiveModel {
                                username: Set(username.clone()),
                                password_hash: Set(hash),
                                configured_hash: Set(None),
                                epoch: Set(epoch),
                                created_at: Set(epoch),
                                ..Default::default()
                            };
                            row.insert(tx).await?
                        }
                    };
                    let principal = Principal::Person { name: username };
                    audit::record(tx, &principal, Permission::Manage, "set password", &saved.username).await?;
                    Ok(saved.into())
                })
            })
            .await
    }

    async fn hash(&self, password: Secret) -> Result<String> {
        let hash = move |_: &mut Memory| Argon2::default().hash_password(password.expose().as_bytes());
        let hashed = self.hashing.run(For::Known, hash).await.map_err(busy)?;
        Ok(hashed.expect("argon2's default parameters are valid").to_string())
    }

    async fn verify(&self, whose: For, password: Secret, hash: String) -> Result<bool> {
        let compare = move |memory: &mut Memory| memory.matches(password.expose().as_bytes(), &hash);
        self.hashing.run(whose, compare).await.map_err(busy)
    }
}

/// Those who wait are through within a few seconds.
fn busy(_: Busy) -> VaultError {
    VaultError::TooMany { retry_after_s: 5 }
}

/// A valid hash that no password matches, so that unknown names take as long.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        let configured = row.configured_hash.is_some();
        Self { id: UserId(row.id), username: row.username, epoch: row.epoch, configured }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    async fn users() -> (tempfile::TempDir, Users) {
        let dir = tempfile::tempdir().expect("temp dir");
        let db =
            Db::open(&format!("sqlite://{}/t.db", dir.path().display()), Clock::default(), crate::base::db::PATIENCE)
                .await
                .expect("opens");
        (dir, Users::new(db))
    }

    #[tokio::test]
    async fn first_password_works_until_it_is_changed() {
        let (_dir, users) = users().await;
        let first = users.ensure_admin(None, None).await.expect("made").expect("is new");
        assert!(users.ensure_admin(None, None).await.expect("kept").is_none());
        let root = users.sign_in("root", &first.password, "1").await.expect("signs in");
        let new = Secret::new("a much better one");
        assert!(matches!(users.change_password(root.id, &new, &new).await, Err(VaultError::Invalid(_))));
        users.change_password(root.id, &first.password, &new).await.expect("changed");
        assert!(matches!(users.sign_in("root", &first.password, "1").await, Err(VaultError::WrongPassword)));
        assert!(users.current(root.id, root.epoch).await.expect("reads").is_none(), "older sessions are over");
    }

    #[tokio::test]
    async fn a_configured_password_is_applied_when_it_changes_and_not_at_every_start() {
        let (_dir, users) = users().await;
        let [first, second, own] =
            ["the configured one", "another configured one", "chosen in the UI"].map(Secret::new);
        let start = async |configured: Option<&Secret>| {
            assert!(users.ensure_admin(None, configured).await.expect("starts").is_none());
        };
        let opens = async |password: &Secret| users.sign_in("root", password, "1").await.ok();
        start(Some(&first)).await;
        let root = opens(&first).await.expect("the first start applies it");
        assert!(root.configured);

        users.change_password(root.id, &first, &own).await.expect("changed");
        start(Some(&first)).await;
        assert!(opens(&own).await.is_some_and(|user| user.configured), "what was chosen stays");
        assert!(opens(&first).await.is_none());

        start(Some(&second)).await;
        assert!(opens(&second).await.is_some() && opens(&own).await.is_none(), "a new one is applied");

        users.change_password(root.id, &second, &own).await.expect("changed");
        start(None).await;
        assert!(opens(&own).await.is_some_and(|user| !user.configured), "none configured any more");
        start(Some(&second)).await;
        assert!(opens(&second).await.is_some(), "configured anew, as someone does who forgot theirs");
    }

    #[tokio::test]
    async fn strangers_keep_nobody_out_who_was_in_before() {
        let (_dir, users) = users().await;
        let password = Secret::new("a password for tests");
        users.ensure_admin(Some("root"), Some(&password)).await.expect("made");
        let root = users.sign_in("root", &password, "at home").await.expect("right");
        // Hashing fifty times takes long; the limit comes before it.
        for n in 0..100 {
            let _ = users.attempts.admit(&format!("stranger {n}"), "root", users.db.clock().elapsed());
        }
        let elsewhere = users.sign_in("root", &password, "elsewhere").await;
        assert!(matches!(elsewhere, Err(VaultError::TooMany { .. })), "{elsewhere:?}");
        users.sign_in("root", &password, "at home").await.expect("known there");
        users.change_password(root.id, &password, &Secret::new("another one for tests, too")).await.expect("signed in");
    }

    #[tokio::test]
    async fn failed_sign_ins_are_in_the_audit_log_and_cannot_fill_it() {
        let (_dir, users) = users().await;
        users.ensure_admin(Some("root"), Some(&Secret::new("right"))).await.expect("made");
        let rows = async || {
            let rows = audit::Audit::new(users.db.clone()).latest(1000).await.expect("reads");
            let failed = rows.into_iter().filter(|row| row.action == "failed to sign in");
            failed.map(|row| (row.actor_kind, row.actor, row.subject)).collect::<Vec<_>>()
        };
        users.sign_in("root", &Secret::new("right"), "192.0.2.1").await.expect("right");
        assert_eq!(rows().await, []);
        for _ in 0..12 {
            users.sign_in("root", &Secret::new("wrong"), "192.0.2.1").await.expect_err("wrong, then too often");
        }
        let row = |address: &str, subject: &str| ("address".to_owned(), address.to_owned(), subject.to_owned());
        assert_eq!(rows().await, [row("192.0.2.1", "10 times or more, at last as \"root\"")]);
        // Hashing takes long, and what is counted is the same.
        for n in 0..300 {
            users.failures.note(&format!("198.51.100.{n}"), "admin").await;
        }
        let rows = rows().await;
        assert_eq!(rows.len(), failures::MAX_ADDRESSES + 1, "{rows:?}");
        assert_eq!(rows[0], row(failures::OTHERS, "100 times or more, at last as \"admin\""));
    }

    #[tokio::test]
    async fn guessing_is_slowed_down_also_for_unknown_names() {
        let (_dir, users) = users().await;
        users.ensure_admin(Some("root"), Some(&Secret::new("right"))).await.expect("made");
        for name in ["root", "nobody"] {
            let peer = format!("peer of {name}");
            let mut last = None;
            for _ in 0..=attempts::PER_PEER {
                last = users.sign_in(name, &Secret::new("wrong"), &peer).await.err();
            }
            assert!(matches!(last, Some(VaultError::TooMany { retry_after_s }) if retry_after_s > 0), "{name}");
        }
    }
}
