//! The command line.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Kerberos Vault: stores cameras' recordings where you want them and tells who needs to know.
///
/// Without a command it runs the vault. Without a file everything has a default: http://127.0.0.1:8080, data in ./data.
/// Every setting can be given in the environment as well, which wins: VAULT_SERVER__LISTEN, VAULT_DATA__DIR, and so on. So
/// can what the original Kerberos Vault takes from there: VAULT_STORAGE_PROVIDERS, VAULT_ACCOUNTS, and so on.
#[derive(Debug, PartialEq, Eq, Parser)]
#[command(name = "kerberos-vault", version, propagate_version = true)]
pub struct Arguments {
    /// Settings, as TOML.
    #[arg(short, long, global = true, value_name = "FILE", overrides_with = "config")]
    pub config: Option<PathBuf>,
    /// `None` runs the vault.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of running the vault.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Check the settings and their connections, then exit.
    Check,
    /// Ask the vault that runs with these settings whether it can take uploads; fails if not.
    Health,
    /// Copy the SQLite database into a new file, while the vault runs.
    Backup {
        /// The new file; must not exist.
        file: PathBuf,
    },
    /// Say what would be deleted for its age now, also while the vault runs. Deletes nothing: that is what a running vault does.
    Retention {
        /// Only say it; there is nothing else.
        #[arg(long, required = true)]
        dry_run: bool,
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Put a backup in the database's place, while the vault is stopped.
    Restore {
        /// A file made by `backup`.
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::ErrorKind;

    fn parsed(line: &str) -> Result<Arguments, ErrorKind> {
        let words = std::iter::once("kerberos-vault").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map_err(|error| error.kind())
    }

    #[test]
    fn arguments() {
        let command = |command| Ok(Arguments { config: None, command });
        let with_file = |command| Ok(Arguments { config: Some("vault.toml".into()), command });
        assert_eq!(parsed(""), command(None));
        assert_eq!(parsed("--config vault.toml"), with_file(None));
        assert_eq!(parsed("check --config=vault.toml"), with_file(Some(Command::Check)));
        assert_eq!(parsed("-c vault.toml check"), with_file(Some(Command::Check)));
        assert_eq!(parsed("-c other.toml check -c vault.toml"), with_file(Some(Command::Check)), "the last one");
        assert_eq!(parsed("-c other.toml -c vault.toml check"), with_file(Some(Command::Check)), "the last one");
        assert_eq!(parsed("backup b.db -c vault.toml"), with_file(Some(Command::Backup { file: "b.db".into() })));
        assert_eq!(parsed("restore b.db"), command(Some(Command::Restore { file: "b.db".into() })));
        let retention = |json| command(Some(Command::Retention { dry_run: true, json }));
        assert_eq!(parsed("retention --dry-run"), retention(false));
        assert_eq!(parsed("retention --dry-run --json"), retention(true));
        assert_eq!(parsed("health"), command(Some(Command::Health)));
        for (line, wrong) in [
            ("retention", ErrorKind::MissingRequiredArgument),
            ("restore", ErrorKind::MissingRequiredArgument),
            ("restore b.db c.db", ErrorKind::UnknownArgument),
            ("nonsense", ErrorKind::InvalidSubcommand),
            ("--config", ErrorKind::InvalidValue),
            ("--confg x", ErrorKind::UnknownArgument),
            ("--version", ErrorKind::DisplayVersion),
            ("backup --help", ErrorKind::DisplayHelp),
            ("backup --version", ErrorKind::DisplayVersion),
            ("help", ErrorKind::DisplayHelp),
        ] {
            assert_eq!(parsed(line), Err(wrong), "{line}");
        }
    }
}
