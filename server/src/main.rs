//! `kerberos-vault`: see `--help`.

use clap::Parser as _;
use server::cli::{Arguments, Command};
use server::config::Config;
use server::{ask, backup, check, retention, run, runtime};
use std::process::ExitCode;

/// musl's own is slow with threads.
#[cfg(feature = "portable")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Arguments { config: file, command } = Arguments::parse();
    let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let config = match Config::load(file.as_deref(), environment) {
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
    let ended = match command {
        None => runtime.block_on(run::run(config)),
        Some(Command::Check) => runtime.block_on(check::check(&config)),
        Some(Command::Health) => runtime.block_on(ask::health(&config)),
        Some(Command::Backup { file }) => runtime.block_on(backup::back_up(&config, &file)),
        Some(Command::Retention { json, .. }) => runtime.block_on(retention::dry_run(&config, json)),
        Some(Command::Restore { file }) => runtime.block_on(backup::restore(&config, &file)),
    };
    // All is done and said. A thread that still asks a name server, or hangs in a folder, holds nobody up.
    runtime.shutdown_background();
    ended
}
