//! Compiles `frontend` for the browser: cargo, then a file for each page, then wasm-bindgen, then (for a
//! release) wasm-opt.

use crate::{
    pack::pack,
    split::split,
    stage,
    tree::{Tree, digest},
    verify::verify,
    workspace::{Mode, OUTPUT_NAME, Workspace, output, run},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use wasm_bindgen_cli_support::Bindgen;

/// What rustc emits for wasm32 today; wasm-opt must be told what it may keep.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Older ones corrupt wasm-bindgen's tables: the page never comes to life. As in scripts/setup.d/release.sh.
const OLDEST_WASM_OPT: u32 = 116;

/// Change it with the steps below, so that older results are not considered current.
const RECIPE: &str = "4";

/// The files for the site's `pkg` folder.
pub(crate) fn build(workspace: &Workspace, mode: Mode) -> Result<Tree> {
    let wasm = compile(workspace, mode)?;
    let bytes = fs::read(&wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let optimiser = (mode == Mode::Release).then(find_wasm_opt).flatten();

    let work = workspace.site_work().join(mode.wasm_profile());
    let (files, stamp) = (work.join("pkg"), work.join("stamp"));
    let made_of = format!("{RECIPE} {} {:016x}", optimiser.is_some(), digest(&bytes));
    let version = format!("{:016x}", digest(made_of.as_bytes()));
    if fs::read_to_string(&stamp).is_ok_and(|found| found == version) {
        return Tree::read(&files);
    }

    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&files)?;
    let main = work.join("main.wasm");
    let pages = split(&bytes, &main, &files, &format!("{OUTPUT_NAME}.js"), &version)?;
    bind(&main, &files)?;
    if mode == Mode::Release {
        optimise(optimiser.as_deref(), &files)?;
    }
    let folder = files.join(&version);
    verify(&files.join(format!("{OUTPUT_NAME}.wasm")), &folder, &pages)?;
    // for the server, which announces a page's files in its head
    fs::write(folder.join("pages.json"), serde_json::to_vec(&pack(&folder, &pages)?)?)?;
    fs::write(&stamp, version)?;
    Tree::read(&files)
}

fn compile(workspace: &Workspace, mode: Mode) -> Result<PathBuf> {
    stage(match mode {
        Mode::Dev => "the browser's half, to WebAssembly (some minutes the first time, then seconds)",
        Mode::Release => "the browser's half, to small WebAssembly (some minutes)",
    });
    let mut cargo = workspace.cargo();
    if mode == Mode::Release {
        cargo.args(["--config", &without_home()]);
    }
    // Separately: in one call with the server, cargo would unify the features of both.
    run(cargo.args([
        "build",
        "--package=frontend",
        "--target=wasm32-unknown-unknown",
        "--profile",
        mode.wasm_profile(),
    ]))?;
    Ok(workspace.target.join("wasm32-unknown-unknown").join(mode.wasm_profile()).join("frontend.wasm"))
}

/// Whose machine built it is not told to every browser; and another machine makes the same.
fn without_home() -> String {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).unwrap_or_default();
    format!("target.wasm32-unknown-unknown.rustflags = ['--remap-path-prefix={}=/cargo']", cargo.display())
}

fn bind(wasm: &Path, into: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name(OUTPUT_NAME)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .keep_lld_exports(true) // pages' files import them
        .generate(into)
        .context("wasm-bindgen (its version must equal wasm-bindgen-cli-support's, see Cargo.toml)")?;
    // With LEPTOS_OUTPUT_NAME set, Leptos asks for a name without `_bg`, as from cargo-leptos.
    fs::rename(into.join(format!("{OUTPUT_NAME}_bg.wasm")), into.join(format!("{OUTPUT_NAME}.wasm")))?;
    Ok(())
}

fn optimise(optimiser: Option<&Path>, files: &Path) -> Result<()> {
    let Some(optimiser) = optimiser else {
        eprintln!("  no new wasm-opt: the site works, but is larger than need be. scripts/setup release installs one.");
        return Ok(());
    };
    stage("wasm-opt, on every page's file (a minute or more)");
    let tree = Tree::read(files)?;
    let wasm: Vec<&PathBuf> =
        tree.0.keys().filter(|file| file.extension().is_some_and(|kind| kind == "wasm")).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(file) = wasm.get(next.fetch_add(1, Ordering::Relaxed)) {
            let wasm = files.join(file);
            // it warns of names it does not know, dozens of times
            output(Command::new(optimiser).args(WASM_FEATURES).arg("-Oz").arg(&wasm).arg("-o").arg(&wasm))?;
        }
        Ok(())
    };
    // A hundred small files: starting it takes most of the time.
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a thread of wasm-opt's panicked")))
    })
}

/// The first one that is new enough: on the PATH, or where `scripts/setup release` put it.
fn find_wasm_opt() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let caches = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let installed = caches.map(|caches| caches.join("kerberos-vault/wasm-opt/node_modules/.bin"));
    std::env::split_paths(&path)
        .chain(installed)
        .map(|folder| folder.join("wasm-opt"))
        .find(|file| file.is_file() && version_of(file).is_some_and(|version| version >= OLDEST_WASM_OPT))
}

/// `wasm-opt version 132 (version_132)`
fn version_of(wasm_opt: &Path) -> Option<u32> {
    let said = output(Command::new(wasm_opt).arg("--version")).ok()?;
    said.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
}
