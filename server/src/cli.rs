//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Kerberos Vault: stores cameras' recordings where you want them and tells who needs to know.

Usage:
  kerberos-vault [--config FILE]         run the vault
  kerberos-vault check [--config FILE]   check the file and its connections, then exit
  kerberos-vault --version
  kerberos-vault --help

Without a file everything has a default: http://127.0.0.1:8080, data in ./data. Every setting can
be given in the environment as well, which wins: VAULT_SERVER__LISTEN, VAULT_DATA__DIR, and so on.";

/// What is to be done.
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
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// Reads the arguments after the program's name.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments;
    let (mut config, mut check) = (None, false);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        match text.as_ref() {
            "--help" | "-h" | "help" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            "check" if !check => check = true,
            "--config" | "-c" => {
                config = Some(PathBuf::from(arguments.next().ok_or("--config needs a file")?));
            }
            other => match other.strip_prefix("--config=") {
                Some(file) if !file.is_empty() => config = Some(PathBuf::from(file)),
                _ => return Err(format!("unknown argument '{other}'")),
            },
        }
    }
    Ok(if check { Command::Check { config } } else { Command::Run { config } })
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
        assert_eq!(parsed("-c vault.toml check"), Ok(Command::Check { config: file }));
        assert_eq!(parsed("--version"), Ok(Command::Version));
        assert_eq!(parsed("--config"), Err("--config needs a file".into()));
        assert_eq!(parsed("--confg x"), Err("unknown argument '--confg'".into()));
    }
}
