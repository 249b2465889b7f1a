//! `kerberos-vault`: see `--help`.

use server::cli::{self, Command};
use server::config::Config;
use server::{backup, check, run, runtime};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(message) => {
            eprintln!("{message}\n\n{}", cli::HELP);
            return ExitCode::from(2);
        }
    };
    let file = match &command {
        Command::Help => {
            println!("{}", cli::HELP);
            return ExitCode::SUCCESS;
        }
        Command::Version => {
            println!("kerberos-vault {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Command::Run { config }
        | Command::Check { config }
        | Command::Backup { config, .. }
        | Command::Restore { config, .. } => config.as_deref(),
    };
    let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let config = match Config::load(file, environment) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // Otherwise SDKs would find two TLS providers and refuse to choose.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match runtime::build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match command {
        Command::Check { .. } => runtime.block_on(check::check(&config)),
        Command::Backup { file, .. } => runtime.block_on(backup::back_up(&config, &file)),
        Command::Restore { file, .. } => runtime.block_on(backup::restore(&config, &file)),
        _ => runtime.block_on(run::run(config)),
    }
}
