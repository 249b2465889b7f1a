//! Paths, and the Rust tool chain to build with.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The site's files and the server must agree on this name, see `.cargo/config.toml`.
pub(crate) const OUTPUT_NAME: &str = "kerberos-vault";

/// Written by `scripts/setup`, as `KEY=VALUE` lines.
const TOOLCHAIN_FILE: &str = ".build/toolchain";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Dev,
    Release,
}

impl Mode {
    /// Cargo's profile for WebAssembly, which favours small code without slowing down the server.
    pub(crate) fn wasm_profile(self) -> &'static str {
        match self {
            Mode::Dev => "wasm-dev",
            Mode::Release => "wasm-release",
        }
    }

    /// The folder that cargo puts the server in.
    pub(crate) fn server_folder(self) -> &'static str {
        match self {
            Mode::Dev => "debug",
            Mode::Release => "release",
        }
    }
}

/// This clone.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target folder; with `CARGO_TARGET_DIR`, not below `root`.
    pub(crate) target: PathBuf,
    toolchain: Vec<(String, String)>,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        // At run time, not compile time: clones may share a target folder.
        let manifest_dir = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest_dir).parent().context("xtask has no parent folder")?.to_path_buf();
        let recorded = std::fs::read_to_string(root.join(TOOLCHAIN_FILE)).unwrap_or_default();
        let mut workspace = Self { root, target: PathBuf::new(), toolchain: key_values(&recorded) };
        let metadata = workspace.metadata()?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        workspace.target = PathBuf::from(target);
        Ok(workspace)
    }

    /// The site; always in the clone, because the server embeds it by that path.
    pub(crate) fn site(&self) -> PathBuf {
        self.root.join("target/site")
    }

    /// Scratch space of the site's build.
    pub(crate) fn site_work(&self) -> PathBuf {
        self.root.join("target/site-work")
    }

    /// A cargo call with the tool chain that `scripts/setup` chose.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        for (key, value) in &self.toolchain {
            match key.as_str() {
                "TOOLCHAIN_BIN" => {
                    let path = env::var("PATH").unwrap_or_default();
                    cargo.env("PATH", format!("{value}:{path}"));
                }
                _ => {
                    cargo.env(key, value);
                }
            }
        }
        cargo
    }

    /// `cargo metadata` for our own crates.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let text = output(self.cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
        serde_json::from_str(&text).context("reading cargo metadata")
    }
}

/// Runs a command that prints to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("could not start {program}"))?;
    if !status.success() {
        bail!("{program} failed, see above");
    }
    Ok(())
}

/// Runs a command and returns what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("could not start {program}"))?;
    ensure!(output.status.success(), "{program} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).with_context(|| format!("{program} printed something that is not text"))
}

fn key_values(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_toolchain_is_read_line_by_line() {
        let read = key_values("# chosen by scripts/setup\nRUSTUP_TOOLCHAIN=stable\n\nTOOLCHAIN_BIN = /opt/a=b\n");
        assert_eq!(
            read,
            [("RUSTUP_TOOLCHAIN".to_owned(), "stable".to_owned()), ("TOOLCHAIN_BIN".to_owned(), "/opt/a=b".to_owned())]
        );
    }
}
