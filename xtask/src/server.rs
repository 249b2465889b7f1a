//! Builds the binary, after the site that it embeds.

use crate::{
    site, stage,
    workspace::{Mode, OUTPUT_NAME, Workspace, run},
};
use anyhow::Result;

pub(crate) fn build(workspace: &Workspace, mode: Mode) -> Result<()> {
    site::build(workspace, mode)?;
    stage(match mode {
        Mode::Dev => "the server (about ten minutes the first time on two cores, then seconds)",
        Mode::Release => "the server, optimised (about fifteen minutes the first time on two cores)",
    });
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package=server"]);
    cargo.arg(match mode {
        Mode::Dev => "--package=dev-features",
        Mode::Release => "--release",
    });
    run(&mut cargo)?;
    let binary = workspace.target.join(mode.server_folder()).join(OUTPUT_NAME);
    let shown = binary.strip_prefix(&workspace.root).unwrap_or(&binary);
    stage(&format!("built {}", shown.display()));
    Ok(())
}
