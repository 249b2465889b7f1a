//! Compresses with brotli ahead of time: the best level takes seconds, too long while someone waits for a page.

use crate::tree::{Tree, digest};
use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use std::{fs, path::Path};

/// Formats that are not compressed already.
const COMPRESSIBLE: [&str; 8] = ["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// Smaller files fit in one packet anyway.
const WORTH_IT: usize = 1024;

/// Adds a `.br` beside every file that gets smaller. `cache` keeps results between builds.
pub(crate) fn precompress(tree: &mut Tree, cache: &Path) -> Result<()> {
    fs::create_dir_all(cache)?;
    let mut compressed = Tree::default();
    for (path, content) in &tree.0 {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if content.len() < WORTH_IT || !COMPRESSIBLE.contains(&extension) {
            continue;
        }
        let cached = cache.join(format!("{:016x}.br", digest(content)));
        let small = match fs::read(&cached) {
            Ok(small) => small,
            Err(_) => {
                let small = brotli(content).with_context(|| format!("compressing {}", path.display()))?;
                fs::write(&cached, &small)?;
                small
            }
        };
        if small.len() < content.len() {
            compressed.add(path.with_extension(format!("{extension}.br")), small);
        }
    }
    tree.graft("", compressed);
    Ok(())
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: content.len(), ..Default::default() };
    let mut small = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut small, &params)?;
    Ok(small)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn what_gains_by_it_gets_a_smaller_twin_that_unpacks_to_the_same() {
        let cache = tempfile::tempdir().unwrap();
        let script = b"export const hydrate = () => 1;\n".repeat(100);
        let mut tree = Tree::default();
        tree.add("pkg/app.js", script.clone());
        tree.add("tiny.css", b"a{}".to_vec());
        tree.add("photo.png", vec![7; 5000]);

        precompress(&mut tree, cache.path()).unwrap();

        let names: Vec<_> = tree.0.keys().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["photo.png", "pkg/app.js", "pkg/app.js.br", "tiny.css"]);
        let small = &tree.0[&PathBuf::from("pkg/app.js.br")];
        assert!(small.len() < script.len() / 10);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut small.as_slice(), &mut unpacked).unwrap();
        assert_eq!(unpacked, script);
    }
}
