//! Lays out what the server embeds: `pkg/` with script, WebAssembly and style, and `public/` at the root.

use crate::{
    browser,
    compress::precompress,
    stage,
    tree::Tree,
    workspace::{Mode, OUTPUT_NAME, Workspace},
};
use anyhow::{Context, Result};
use std::fs;

const STYLE: &str = "style/main.css";

pub(crate) fn build(workspace: &Workspace, mode: Mode) -> Result<()> {
    let mut tree = Tree::read(&workspace.root.join("public"))?;
    tree.graft("pkg", browser::build(workspace, mode)?);
    let style = fs::read(workspace.root.join(STYLE)).with_context(|| format!("reading {STYLE}"))?;
    tree.add(format!("pkg/{OUTPUT_NAME}.css"), style);
    if mode == Mode::Release {
        precompress(&mut tree, &workspace.site_work().join("brotli"))?;
    }

    let changed = tree.write(&workspace.site())?;
    let size = |name: &str| {
        let kilobytes = tree.0.get(std::path::Path::new(name)).map_or(0, |content| content.len() / 1024);
        format!("{kilobytes} KiB")
    };
    let wasm = format!("pkg/{OUTPUT_NAME}.wasm");
    let sizes = match mode {
        Mode::Dev => size(&wasm),
        Mode::Release => format!("{}, {} as sent", size(&wasm), size(&format!("{wasm}.br"))),
    };
    stage(&format!("site {} in target/site (WebAssembly {sizes})", if changed { "updated" } else { "unchanged" }));
    Ok(())
}
