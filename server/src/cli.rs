//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Kerberos Vault: stores cameras' recordings where you want them and tells who needs to know.

Usage:
  kerberos-vault [--config FILE]         run the vault
  kerberos-vault check [--config FILE]   check the file and its connections, then exit
  kerberos-vault backup FILE [--config FILE]
                                         copy the SQLite database into a new file, while the vault runs
  kerberos-vault restore FILE [--config FILE]
                                         put such a file in the database's place, while the vault is stopped
  kerberos-vault --version
  kerberos-vault --help

Without a file everything has a default: http://127.0.0.1:8080, data in ./data. Every setting can
be given in the environment as well, which wins: VAULT_SERVER__LISTEN, VAULT_DATA__DIR, and so on.";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Run the vault.
    Run {
        /// `--config`
        config: Option<PathBuf>,
    },
    /// Check a configuration.
    Check {
        /// `--config`
        config: Option<PathBuf>,
    },
    /// Copy the database to a file.
    Backup {
        /// `--config`
        config: Option<PathBuf>,
        /// The new file; must not exist.
        file: PathBuf,
    },
    /// Put a backup in place of the database.
    Restore {
        /// `--config`
        config: Option<PathBuf>,
        /// A file made by `backup`.
        file: PathBuf,
    },
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// Parses the arguments after the program's name.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments;
    let (mut config, mut words) = (None, Vec::new());
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        match text.as_ref() {
            "--help" | "-h" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            "--config" | "-c" => {
                config = Some(PathBuf::from(arguments.next().ok_or("--config needs a file")?));
            }
            other => match other.strip_prefix("--config=") {
                Some(file) if !file.is_empty() => config = Some(PathBuf::from(file)),
                _ if other.starts_with('-') => return Err(format!("unknown argument '{other}'")),
                _ => words.push(argument),
            },
        }
    }
    let mut words = words.into_iter();
    let command = words.next().map(|word| word.to_string_lossy().into_owned());
    let mut file = |command| words.next().map(PathBuf::from).ok_or(format!("{command} needs a file"));
    let command = match command.as_deref() {
        None => Command::Run { config },
        Some("help") => Command::Help,
        Some("check") => Command::Check { config },
        Some("backup") => Command::Backup { config, file: file("backup")? },
        Some("restore") => Command::Restore { config, file: file("restore")? },
        Some(other) => return Err(format!("unknown argument '{other}'")),
    };
    match words.next() {
        None => Ok(command),
        Some(word) => Err(format!("unknown argument '{}'", word.to_string_lossy())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments() {
        let file = Some(PathBuf::from("vault.toml"));
        assert_eq!(parsed(""), Ok(Command::Run { config: None }));
        assert_eq!(parsed("--config vault.toml"), Ok(Command::Run { config: file.clone() }));
        assert_eq!(parsed("check --config=vault.toml"), Ok(Command::Check { config: file.clone() }));
        assert_eq!(parsed("-c vault.toml check"), Ok(Command::Check { config: file.clone() }));
        let backup = PathBuf::from("b.db");
        assert_eq!(
            parsed("backup b.db --config vault.toml"),
            Ok(Command::Backup { config: file, file: backup.clone() })
        );
        assert_eq!(parsed("restore b.db"), Ok(Command::Restore { config: None, file: backup }));
        assert_eq!(parsed("restore"), Err("restore needs a file".into()));
        assert_eq!(parsed("restore b.db c.db"), Err("unknown argument 'c.db'".into()));
        assert_eq!(parsed("nonsense"), Err("unknown argument 'nonsense'".into()));
        assert_eq!(parsed("--version"), Ok(Command::Version));
        assert_eq!(parsed("--config"), Err("--config needs a file".into()));
        assert_eq!(parsed("--confg x"), Err("unknown argument '--confg'".into()));
    }
}
