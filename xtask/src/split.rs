//! Splits the WebAssembly into what every page needs and a file for each page (ADR 0011).

use anyhow::{Context, Result, anyhow, ensure};
use std::{collections::BTreeMap, fs, path::Path};
use wasm_split_cli_support::{Options, transform};

/// Page → names of the files it needs besides the common ones.
pub(crate) type Pages = BTreeMap<String, Vec<String>>;

/// The script that loads pages' files.
pub(crate) const LOADER: &str = "split.js";

/// Writes the part of `wasm` that every page needs to `main`, and pages' files with their loader to `<site>/<version>`.
/// Files of different builds do not fit together, so `main` knows that folder.
pub(crate) fn split(wasm: &[u8], main: &Path, site: &Path, script: &str, version: &str) -> Result<Pages> {
    let folder = site.join(version);
    fs::create_dir_all(&folder)?;
    let (loader, script) = (format!("./{version}/{LOADER}"), format!("../{script}"));
    let mut options = Options::new(wasm);
    options.main_out_path = main;
    options.output_dir = site;
    options.link_name = &loader;
    options.main_module = &script;
    let made = transform(options).map_err(|error| anyhow!("splitting the WebAssembly: {error:#}"))?;
    ensure!(!made.prefetch_map.is_empty(), "no page to split off: does .cargo/config.toml ask for --emit-relocs?");

    // the loader expects them beside itself
    for file in &made.split_modules {
        let name = file.file_name().context("a file has a name")?;
        if file.exists() {
            fs::rename(file, folder.join(name))?;
        }
    }
    Ok(made.prefetch_map.into_iter().collect())
}
