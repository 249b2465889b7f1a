//! Directories that an account has to itself.

use crate::base::entity::account;
use crate::base::folded::{folded, overlap};
use crate::base::{Result, VaultError};
use model::account::fields::DIRECTORY;

/// An account's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    account_id: i64,
    account: String,
    /// As it was entered.
    directory: String,
    folded: String,
    exclusive: bool,
}

/// The fixed directories of all accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    pub(super) fn of<'a>(accounts: impl IntoIterator<Item = &'a account::Model>) -> Self {
        let fixed = accounts.into_iter().filter(|row| row.directory != "*");
        let claim = |row: &account::Model| Claim {
            account_id: row.id,
            account: row.name.clone(),
            directory: row.directory.clone(),
            folded: folded(&row.directory),
            exclusive: row.exclusive,
        };
        Self(fixed.map(claim).collect())
    }

    /// Whether another account has this directory to itself, or one above or below it.
    pub(super) fn keep_out(&self, account_id: i64, directory: &str) -> bool {
        let others = || self.0.iter().filter(|claim| claim.exclusive && claim.account_id != account_id);
        if others().next().is_none() {
            return false;
        }
        let directory = folded(directory);
        others().any(|claim| overlap(&claim.folded, &directory))
    }

    /// Whether an account can have this directory.
    pub(super) fn check(&self, account_id: Option<i64>, directory: &str, exclusive: bool) -> Result<()> {
        if directory == "*" {
            return Ok(());
        }
        let wanted = folded(directory);
        let others = self.0.iter().filter(|claim| Some(claim.account_id) != account_id);
        let clash = others.into_iter().find(|c| (c.exclusive || exclusive) && overlap(&c.folded, &wanted));
        let Some(Claim { account, directory: theirs, exclusive: keeps_it, .. }) = clash else { return Ok(()) };
        let label = DIRECTORY.label;
        Err(VaultError::Invalid(vec![DIRECTORY.error(if *keeps_it {
            format!("{label} '{directory}' overlaps with '{theirs}', which account '{account}' has to itself. Choose another one, or end Exclusive directory there")
        } else {
            format!("{label} '{directory}' cannot be exclusive: account '{account}' stores in '{theirs}'. Give one of them another directory")
        })]))
    }

    /// Each two accounts, by name and directory, whose directories overlap.
    pub(super) fn overlaps(&self) -> Vec<[(&str, &str); 2]> {
        let mut found = Vec::new();
        for (index, one) in self.0.iter().enumerate() {
            let others = self.0[index + 1..].iter().filter(|other| overlap(&one.folded, &other.folded));
            found.extend(others.map(|other| [one, other].map(|c| (c.account.as_str(), c.directory.as_str()))));
        }
        found
    }
}

/// Whether two directories are one, or one lies in the other, for a store that does not tell all names apart.
pub fn directories_overlap(one: &str, other: &str) -> bool {
    one != "*" && other != "*" && overlap(&folded(one), &folded(other))
}
