//! Builds the binary, after the site that it embeds.

use crate::{
    site, stage,
    workspace::{Mode, OUTPUT_NAME, Workspace, run},
};
use anyhow::Result;

/// What the first `make run` takes, all of it. The documentation says the same.
const FIRST_BUILD: &str = "the first build takes 8 to 15 minutes on two cores";

pub(crate) fn build(workspace: &Workspace, mode: Mode) -> Result<()> {
    let binary = workspace.target.join(mode.server_folder()).join(OUTPUT_NAME);
    if mode == Mode::Dev && !binary.exists() {
        stage(&format!("{FIRST_BUILD}; later ones take seconds"));
    }
    site::build(workspace, mode)?;
    stage(match mode {
        Mode::Dev => "the server (most of the first build, then seconds)",
        Mode::Release => "the server, optimised (about fifteen minutes the first time on two cores)",
    });
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package=server"]);
    cargo.arg(match mode {
        Mode::Dev => "--package=dev-features",
        Mode::Release => "--release",
    });
    run(&mut cargo)?;
    let shown = binary.strip_prefix(&workspace.root).unwrap_or(&binary);
    stage(&format!("built {}", shown.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_how_long_the_first_build_takes() {
        let workspace = Workspace::find().unwrap();
        for page in ["README.md", "CONTRIBUTING.md", "docs/quick-start.md"] {
            let text = std::fs::read_to_string(workspace.root.join(page)).unwrap().to_lowercase();
            assert!(text.contains(FIRST_BUILD), "{page} does not say that {FIRST_BUILD}");
        }
    }
}
