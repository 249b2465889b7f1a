//! `kerberos-vault retention --dry-run`.

use crate::config::Config;
use crate::run::vault_options;
use crate::telemetry::chain;
use serde_json::json;
use std::process::ExitCode;
use time::OffsetDateTime;
use vault::VaultError;
use vault::preview::{Due, preview};

/// Prints what retention would delete now.
pub async fn dry_run(config: &Config, as_json: bool) -> ExitCode {
    let options = vault_options(config);
    let due = match preview(&options.database_url, options.clock.now_ms()).await {
        Ok(due) => due,
        Err(error) => {
            // The cause is printed, so the message need not point to the log.
            let why = chain(&error).replace(&format!(". {}", VaultError::IN_LOG), "");
            eprintln!("kerberos-vault cannot tell what retention would delete: {why}");
            return ExitCode::FAILURE;
        }
    };
    if as_json {
        println!("{}", due.iter().map(as_value).collect::<serde_json::Value>());
        return ExitCode::SUCCESS;
    }
    if due.is_empty() {
        println!("No account has a day limit: nothing is deleted for its age.");
    }
    for account in &due {
        println!("{}", in_words(account));
    }
    ExitCode::SUCCESS
}

fn as_value(due: &Due) -> serde_json::Value {
    json!({
        "account": due.account,
        "account_deleted": due.is_deleted,
        "days": due.days,
        "recordings": due.recordings,
        "bytes": due.bytes,
        "oldest_ms": due.oldest,
        "locked": due.locked,
        "waiting": due.waiting,
        "asks_first": due.asks,
    })
}

fn in_words(due: &Due) -> String {
    let Due { account, days, recordings, locked, waiting, .. } = due;
    let whose = if due.is_deleted { " (deleted)" } else { "" };
    let mut text = format!("{account}{whose}, {days} days: {recordings} recordings would go");
    if let Some(oldest) = due.oldest {
        let date = OffsetDateTime::from_unix_timestamp(oldest.div_euclid(1000)).map(|time| time.date().to_string());
        text += &format!(", {} MiB, the oldest of {}", due.bytes >> 20, date.unwrap_or_default());
    }
    for (number, why) in [(locked, "are locked"), (waiting, "wait until somebody was told of them")] {
        if *number > 0 {
            text += &format!("; {number} more {why}");
        }
    }
    if due.asks {
        text += "; that is most of what it has, so the vault asks an administrator first";
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_would_go_and_what_stays() {
        let due = Due {
            account: "site-a".into(),
            is_deleted: false,
            days: 30,
            recordings: 12,
            bytes: 5 << 20,
            oldest: Some(1_606_164_482_000),
            locked: 2,
            waiting: 1,
            asks: true,
        };
        assert_eq!(
            in_words(&due),
            "site-a, 30 days: 12 recordings would go, 5 MiB, the oldest of 2020-11-23; 2 more are locked; 1 more wait until \
             somebody was told of them; that is most of what it has, so the vault asks an administrator first."
        );
        let nothing = Due { recordings: 0, bytes: 0, oldest: None, locked: 0, waiting: 0, asks: false, ..due };
        assert_eq!(in_words(&nothing), "site-a, 30 days: 0 recordings would go.");
    }
}
