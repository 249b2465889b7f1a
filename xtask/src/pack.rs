//! Splitting makes a file of what each set of pages shares: dozens, most of them tiny. They are joined into a few, so
//! that a page does not need dozens of requests.

use crate::split::{LOADER, Pages};
use anyhow::{Context, Result, ensure};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A request costs about as much as this many bytes, before compression.
const REQUEST: usize = 12 << 10;

/// Files loaded together, and the pages that need any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pack {
    files: Vec<String>,
    pages: BTreeSet<String>,
    size: usize,
}

/// Replaces the files in `folder` by packs, tells the loader where each file is in them, and returns which packs each
/// page needs.
pub(crate) fn pack(folder: &Path, pages: &Pages) -> Result<Pages> {
    let loader = folder.join(LOADER);
    let mut script = fs::read_to_string(&loader)?;
    let mut packed = Pages::new();
    for (number, pack) in plan(folder, pages)?.into_iter().enumerate() {
        let name = match pack.pages.first() {
            Some(page) if pack.pages.len() == 1 => page.clone(),
            _ => format!("shared_{number}"),
        };
        let mut content = Vec::new();
        for file in &pack.files {
            let path = folder.join(format!("{file}.wasm"));
            let start = content.len();
            content.extend(fs::read(&path)?);
            fs::remove_file(path)?;
            let fetch = format!("fetch(new URL(\"./{file}.wasm\", import.meta.url))");
            ensure!(script.matches(&fetch).count() == 1, "the splitter's loader is not as it used to be: no {fetch}");
            script = script.replace(&fetch, &format!("part(\"./{name}.wasm\", {start}, {})", content.len()));
        }
        fs::write(folder.join(format!("{name}.wasm")), content)?;
        for page in pack.pages {
            packed.entry(page).or_insert_with(|| vec![LOADER.into()]).push(format!("{name}.wasm"));
        }
    }
    script.push_str(include_str!("pack.js"));
    fs::write(loader, script)?;
    Ok(packed)
}

/// Which files go together.
fn plan(folder: &Path, pages: &Pages) -> Result<Vec<Pack>> {
    let mut users = BTreeMap::<&String, BTreeSet<String>>::new();
    for (page, files) in pages {
        for file in files {
            users.entry(file).or_default().insert(page.clone());
        }
    }
    let mut packs = Vec::new();
    for (file, pages) in users {
        let path = folder.join(format!("{file}.wasm"));
        let size = fs::metadata(&path).with_context(|| format!("{} was not made", path.display()))?.len();
        packs.push(Pack { files: vec![file.clone()], pages, size: usize::try_from(size)? });
    }
    Ok(join(packs))
}

/// Joins the two packs that gain most by it, for as long as any do.
fn join(mut packs: Vec<Pack>) -> Vec<Pack> {
    loop {
        let pairs = (0..packs.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let best = pairs.max_by_key(|&(a, b)| gain(&packs[a], &packs[b]));
        match best.filter(|&(a, b)| gain(&packs[a], &packs[b]) > 0) {
            None => return packs,
            Some((a, b)) => {
                let other = packs.remove(b); // the later one: the earlier keeps its place
                packs[a].files.extend(other.files);
                packs[a].pages.extend(other.pages);
                packs[a].size += other.size;
            }
        }
    }
}

/// What requests saved are worth, minus what pages load in vain, in bytes.
fn gain(one: &Pack, other: &Pack) -> i64 {
    let saved = REQUEST * one.pages.intersection(&other.pages).count();
    let in_vain =
        one.size * other.pages.difference(&one.pages).count() + other.size * one.pages.difference(&other.pages).count();
    saved as i64 - in_vain as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_or_needed_together_is_in_one_file_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, size: usize| {
            fs::write(folder.path().join(format!("{name}.wasm")), name.repeat(size / name.len())).unwrap();
            format!("fetch(new URL(\"./{name}.wasm\", import.meta.url))\n")
        };
        let script = [file("tiny", 400), file("both", 90_000), file("media", 90_000), file("help", 90_000)].concat();
        fs::write(folder.path().join(LOADER), script).unwrap();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let pages =
            Pages::from([("help".into(), list(&["both", "help"])), ("media".into(), list(&["tiny", "both", "media"]))]);

        let packed = pack(folder.path(), &pages).unwrap();

        assert_eq!(packed["help"], [LOADER, "shared_0.wasm", "help.wasm"]);
        assert_eq!(packed["media"], [LOADER, "shared_0.wasm", "media.wasm"]);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("shared_0.wasm"), "both".repeat(22_500));
        assert_eq!(read("media.wasm").len(), 90_400, "what one page alone needs is one file");
        let script = read(LOADER);
        assert!(script.contains("part(\"./media.wasm\", 0, 90000)\n"), "{script}");
        assert!(script.contains("part(\"./media.wasm\", 90000, 90400)\n"), "{script}");
        assert!(!folder.path().join("tiny.wasm").exists());
    }
}
