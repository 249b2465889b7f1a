//! Splits the WebAssembly into what every page needs and a file for each page:
//! docs/adr/0011-one-wasm-file-per-page.md.

use anyhow::{Context, Result, anyhow, ensure};
use std::{collections::BTreeMap, fs, path::Path};
use wasm_split_cli_support::{Options, transform};

/// Page → names of the files that it needs besides what every page needs.
pub(crate) type Pages = BTreeMap<String, Vec<String>>;

/// The script that loads pages' files.
pub(crate) const LOADER: &str = "split.js";

/// Writes what every page of `wasm` needs to `main`, and files of pages with their loader into the folder
/// `<site>/<version>`: those of one build fit together, those of two do not. `main` knows that folder.
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

    // the loader looks for them beside itself
    for file in &made.split_modules {
        let name = file.file_name().context("a file has a name")?;
        if file.exists() {
            fs::rename(file, folder.join(name))?;
        }
    }
    Ok(made.prefetch_map.into_iter().collect())
}
