//! Who may import what: arrows point toward `model`, SDKs stay in `backends`, the browser gets no server code.
//! ARCHITECTURE.md explains why; `rules` holds the table.

mod circles;
mod floors;
mod rules;
mod sources;

use crate::{
    stage,
    workspace::{Workspace, output},
};
use anyhow::{Context, Result, bail};
use rules::{Crate, Dependency};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let metadata = workspace.metadata()?;
    let crates = own_crates(&metadata)?;
    let mut complaints = rules::check_imports(&crates);
    complaints.extend(rules::check_browser(&browser_tree(workspace)?));
    complaints.extend(rules::check_release(&release_features(workspace)?));
    for (name, src) in own_sources(&metadata)? {
        let sources = sources::read(&src)?;
        complaints.extend(circles::check(&name, &sources));
        if name == "vault" {
            complaints.extend(floors::check(&sources));
        }
    }
    if complaints.is_empty() {
        stage(&format!("layers: {} crates import only what they may", crates.len()));
        return Ok(());
    }
    for complaint in &complaints {
        eprintln!("layers: {complaint}");
    }
    bail!(
        "{} imports cross a layer. ARCHITECTURE.md says what goes where; the rules are in xtask/src/layers",
        complaints.len()
    );
}

fn own_crates(metadata: &Value) -> Result<Vec<Crate>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages.iter().map(own_crate).collect()
}

/// Our crates and their source folders.
fn own_sources(metadata: &Value) -> Result<Vec<(String, PathBuf)>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let source = |package: &Value| {
        let name = package["name"].as_str().context("a package has a name")?.to_owned();
        let manifest = Path::new(package["manifest_path"].as_str().context("a package has a manifest")?);
        Ok((name, manifest.with_file_name("src")))
    };
    packages.iter().map(source).filter(|found| found.as_ref().is_ok_and(|(_, src)| src.is_dir())).collect()
}

fn own_crate(package: &Value) -> Result<Crate> {
    let name = package["name"].as_str().context("a package has a name")?.to_owned();
    let declared = package["dependencies"].as_array().context("a package lists its dependencies")?;
    let dependencies = declared
        .iter()
        .map(|dependency| {
            Ok(Dependency {
                name: dependency["name"].as_str().context("a dependency has a name")?.to_owned(),
                optional: dependency["optional"].as_bool().unwrap_or(false),
                // "dev" for tests, "build" for build.rs, null otherwise
                for_tests: dependency["kind"].as_str() == Some("dev"),
            })
        })
        .collect::<Result<_>>()?;
    Ok(Crate { name, dependencies })
}

/// Lines of `package|feature,feature`: everything compiled into the binary of `make build`.
fn release_features(workspace: &Workspace) -> Result<Vec<String>> {
    let text = output(workspace.cargo().args([
        "tree",
        "--package=server",
        "--edges=normal",
        "--prefix=none",
        "--format={p}|{f}",
    ]))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// All packages compiled into the browser's half.
fn browser_tree(workspace: &Workspace) -> Result<Vec<String>> {
    // no-proc-macro: macros run in the compiler, not in the browser
    let text = output(workspace.cargo().args([
        "tree",
        "--package=frontend",
        "--target=wasm32-unknown-unknown",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
    ]))?;
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read() {
        let metadata = serde_json::json!({"packages": [{"name": "app", "dependencies": [
            {"name": "model", "optional": false, "kind": null},
            {"name": "vault", "optional": true, "kind": null},
            {"name": "tempfile", "optional": false, "kind": "dev"},
        ]}]});
        let crates = own_crates(&metadata).unwrap();
        let read: Vec<_> =
            crates[0].dependencies.iter().map(|found| (found.name.as_str(), found.optional, found.for_tests)).collect();
        assert_eq!(read, [("model", false, false), ("vault", true, false), ("tempfile", false, true)]);
    }
}
