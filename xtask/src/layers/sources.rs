//! Which source files of a crate name each other.

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, File, Ident, ImplItemFn, Item, ItemFn, ItemMod, ItemUse, Macro, UseTree,
    visit::{self, Visit},
};

/// A module's path from the crate's root; the root's is empty.
pub(super) type Module = Vec<String>;

/// For each file of a crate, the files whose items it names. Left out are names in tests, and a module's names of its
/// own children: it puts them together.
pub(super) struct Sources {
    pub(super) names: BTreeMap<Module, BTreeSet<Module>>,
}

/// Reads a crate's `src` folder.
pub(super) fn read(src: &Path) -> Result<Sources> {
    let mut texts = BTreeMap::new();
    collect(src, &mut Vec::new(), &mut texts)?;
    // Beside a library, the binary is a module like any other.
    if !texts.contains_key(&[][..]) {
        let main = texts.remove(&["main".to_owned()][..]).context("a crate has a lib.rs or a main.rs")?;
        texts.insert(Vec::new(), main);
    }
    let parsed = texts
        .into_iter()
        .map(|(module, (path, text))| {
            let file = syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
            Ok((module.clone(), Named::of(module, &file)))
        })
        .collect::<Result<BTreeMap<_, _>>>()?;
    let names = parsed.keys().map(|module| (module.clone(), targets(module, &parsed))).collect();
    Ok(Sources { names })
}

fn collect(folder: &Path, module: &mut Module, texts: &mut BTreeMap<Module, (PathBuf, String)>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        if path.is_dir() {
            module.push(stem);
            collect(&path, module, texts)?;
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut own = module.clone();
            if !matches!(stem.as_str(), "mod" | "lib") {
                own.push(stem);
            }
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            texts.insert(own, (path, text));
        }
    }
    Ok(())
}

fn targets(module: &Module, all: &BTreeMap<Module, Named>) -> BTreeSet<Module> {
    let named = &all[module];
    let resolved = named.paths.iter().filter_map(|path| resolve(path, all, 0));
    resolved.filter(|target| target != module && !target.starts_with(module)).collect()
}

/// The module defining the item at a path from the root; `None` if the path is a module itself.
fn resolve(path: &[String], all: &BTreeMap<Module, Named>, depth: usize) -> Option<Module> {
    let known = (0..=path.len()).rev().find(|length| all.contains_key(&path[..*length]))?;
    let (module, rest) = path.split_at(known);
    let first = rest.first()?;
    match all[module].uses.get(first) {
        Some(elsewhere) if depth < 8 && elsewhere != path => {
            let path: Module = elsewhere.iter().chain(&rest[1..]).cloned().collect();
            resolve(&path, all, depth + 1)
        }
        _ => Some(module.to_vec()),
    }
}

/// What one file names, as paths from the crate's root.
struct Named {
    paths: Vec<Module>,
    /// What an imported or re-exported name stands for.
    uses: HashMap<String, Module>,
    module: Module,
    /// How many modules of the same file enclose what is being read.
    inside: usize,
}

impl Named {
    fn of(module: Module, file: &File) -> Self {
        let mut named = Self { paths: Vec::new(), uses: HashMap::new(), module, inside: 0 };
        // Imports first: a path may start with a name imported further down.
        for item in &file.items {
            match item {
                Item::Use(item) if !for_tests(&item.attrs) => named.import(&item.tree, &mut Vec::new()),
                Item::Mod(item) => {
                    let name = item.ident.to_string();
                    let path = named.module.iter().cloned().chain([name.clone()]).collect();
                    named.uses.insert(name, path);
                }
                _ => {}
            }
        }
        named.visit_file(file);
        named
    }

    fn import(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) => self.bind(&name.ident, &name.ident, before),
            UseTree::Rename(rename) => self.bind(&rename.ident, &rename.rename, before),
            UseTree::Glob(_) => self.name(before.iter().cloned().chain(["*".into()]).collect()),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, before)),
        }
    }

    fn bind(&mut self, ident: &Ident, name: &Ident, before: &[String]) {
        let mut written = before.to_vec();
        if ident != "self" {
            written.push(ident.to_string());
        }
        if let Some(path) = self.absolute(&written) {
            let name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name.to_string() };
            self.paths.push(path.clone());
            self.uses.insert(name, path);
        }
    }

    fn name(&mut self, written: Vec<String>) {
        self.paths.extend(self.absolute(&written));
    }

    /// A written path, from the root; `None` if it leaves the crate.
    fn absolute(&self, written: &[String]) -> Option<Module> {
        let mut base = self.module.clone();
        let mut rest = written;
        match written.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &written[1..]),
            "self" => rest = &written[1..],
            "super" => {
                let mut inside = self.inside;
                while rest.first().is_some_and(|segment| segment == "super") {
                    match inside {
                        0 => drop(base.pop()),
                        _ => inside -= 1,
                    }
                    rest = &rest[1..];
                }
            }
            first => (base, rest) = (self.uses.get(first)?.clone(), &written[1..]),
        }
        base.extend_from_slice(rest);
        Some(base)
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_use(&mut self, _: &'ast ItemUse) {}

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !for_tests(&item.attrs) {
            self.inside += 1;
            visit::visit_item_mod(self, item);
            self.inside -= 1;
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.visit_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

impl Named {
    /// Finds paths inside a macro, whatever its grammar.
    fn visit_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_path(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.end_path(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.visit_tokens(group.stream());
                    }
                }
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.name(std::mem::take(path));
        }
        path.clear();
    }
}

/// Whether an item is compiled for tests only.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the file `b.rs` names, in a crate with `lib.rs`, `a/mod.rs` and `a/c.rs`.
    fn named(b: &str) -> Vec<String> {
        let dir = tempfile::tempdir().expect("temp dir");
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| fs::write(path, text)).expect("written");
        };
        write("lib.rs", "mod a; mod b; pub use a::c::Deep;");
        write("a/mod.rs", "pub mod c; pub use c::Deep; pub struct Flat; pub fn run() { c::go() }");
        write("a/c.rs", "pub struct Deep; pub fn go() {}");
        write("b.rs", b);
        let sources = read(dir.path()).expect("reads");
        assert_eq!(sources.names[&vec!["a".to_owned()]].len(), 0, "a module puts its children together");
        sources.names[&vec!["b".to_owned()]].iter().map(|module| module.join("::")).collect()
    }

    #[test]
    fn a_name_leads_to_where_it_is_defined() {
        assert_eq!(named("use crate::a::Flat;"), ["a"]);
        assert_eq!(named("use crate::a::{Deep, Flat};"), ["a", "a::c"]);
        assert_eq!(named("use super::Deep as D;"), ["a::c"]);
        assert_eq!(named("use crate::a;\nfn f() { a::c::go() }"), ["a::c"]);
        assert_eq!(named("fn f() -> crate::a::Flat { todo!() }"), ["a"]);
        assert_eq!(named("fn f() { println!(\"{:?}\", crate::a::run()); }"), ["a"]);
        assert_eq!(named("mod m { fn f() -> super::super::a::Flat { todo!() } }"), ["a"]);
    }

    #[test]
    fn what_only_tests_name_and_other_crates_are_left_out() {
        assert_eq!(named("use std::fmt; use serde::Deserialize;"), [""; 0]);
        assert_eq!(named("#[cfg(test)] mod tests { use crate::a::Flat; }"), [""; 0]);
        assert_eq!(named("#[cfg(test)] use crate::a::Flat;"), [""; 0]);
    }
}
