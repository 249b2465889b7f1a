//! Tasks that cargo alone cannot do. `cargo xtask help` lists them; the Makefile calls them.

#![expect(clippy::disallowed_methods, reason = "the rule is for the vault; a developer's tool reads its environment")]

mod browser;
mod compress;
mod layers;
mod pack;
mod server;
mod site;
mod split;
mod tree;
mod verify;
mod workspace;

use anyhow::{Result, bail};
use std::process::ExitCode;
use workspace::{Mode, Workspace};

const HELP: &str = "\
cargo xtask <task>
  site  [--release]   build the browser's half of the UI and lay the site out in target/site
  build [--release]   site, then the server binary that serves it
  layers              check that every crate imports only what ARCHITECTURE.md allows
  help                this list

Without --release: quick to build, slow to load. With it: the other way round.";

fn main() -> ExitCode {
    match task() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // not as `main`'s result, which would print a backtrace too
            eprintln!("\u{2717} {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn task() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["site"] => site::build(&Workspace::find()?, Mode::Dev),
        ["site", "--release"] => site::build(&Workspace::find()?, Mode::Release),
        ["build"] => server::build(&Workspace::find()?, Mode::Dev),
        ["build", "--release"] => server::build(&Workspace::find()?, Mode::Release),
        ["layers"] => layers::check(&Workspace::find()?),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no such task: {}\n\n{HELP}", other.join(" ")),
    }
}

/// Prints a stage, so that whoever waits knows for what.
fn stage(what: &str) {
    eprintln!("\u{25b8} {what}");
}
