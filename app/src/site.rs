//! Where on its host the site lies. Mostly it has the host for itself; `https://nvr.example/vault` is below `/vault`.
//!
//! Within the code, addresses are those of a site that has its host for itself. What a browser follows by itself, links
//! and forms, goes through [`at`]; the router's `navigate` and the server's redirects add the path themselves.

use leptos::prelude::*;
use std::sync::Arc;

/// The attribute of the page's `<html>` that tells the browser's half.
pub(crate) const ATTRIBUTE: &str = "data-below";

/// The path below which the visitor sees the site, without a slash at its end; empty if it has the host for itself. The
/// server provides it as context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// Below this path, which begins with a slash and does not end with one.
    pub fn new(path: &str) -> Self {
        Self(path.into())
    }

    /// The path itself.
    pub fn path(&self) -> &str {
        &self.0
    }

    /// The address of one of our pages or files, as a browser must be given it.
    pub fn at(&self, address: &str) -> String {
        format!("{}{address}", self.0)
    }

    /// The path within the site; the same if it does not lie below this one.
    pub fn inside<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(&*self.0) {
            Some("") => "/",
            Some(inside) if inside.starts_with('/') => inside,
            _ => path,
        }
    }
}

/// The visitor's.
#[cfg(feature = "ssr")]
pub(crate) fn prefix() -> Prefix {
    use_context().unwrap_or_default()
}

/// The visitor's.
#[cfg(not(feature = "ssr"))]
pub(crate) fn prefix() -> Prefix {
    static PREFIX: std::sync::OnceLock<Prefix> = std::sync::OnceLock::new();
    let read = || document().document_element().and_then(|html| html.get_attribute(ATTRIBUTE)).unwrap_or_default();
    PREFIX.get_or_init(|| Prefix::new(&read())).clone()
}

/// What the router takes off a path: nothing on the server, where that has been done.
pub(crate) fn router_base() -> String {
    if cfg!(feature = "ssr") { String::new() } else { prefix().path().to_owned() }
}

/// Tells whatever calls server functions where they are. A page that was opened without the path is opened with it.
#[cfg(not(feature = "ssr"))]
pub(crate) fn adopt() {
    let prefix = prefix();
    let (here, search) = (location().pathname().unwrap_or_default(), location().search().unwrap_or_default());
    if !prefix.path().is_empty() {
        if prefix.inside(&here) == here {
            location().replace(&prefix.at(&format!("{here}{search}"))).ok();
        }
        leptos::server_fn::client::try_set_server_url(prefix.path().to_owned().leak()).ok();
    }
}

/// The address of one of our pages or files, as a browser must be given it: for `href`, `src`, `action`.
pub(crate) fn at(address: &str) -> String {
    prefix().at(address)
}

/// The page's path within the site.
pub(crate) fn use_path() -> Memo<String> {
    let path = leptos_router::hooks::use_location().pathname;
    let prefix = prefix();
    Memo::new(move |_| path.with(|path| prefix.inside(path).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_is_put_below_is_found_inside() {
        for (prefix, below) in [("", "/media"), ("/vault", "/vault/media"), ("/media", "/media/media")] {
            let prefix = Prefix::new(prefix);
            assert_eq!(prefix.at("/media"), below);
            assert_eq!(prefix.inside(below), "/media");
        }
        let prefix = Prefix::new("/vault");
        assert_eq!(prefix.inside("/vault"), "/");
        assert_eq!(prefix.inside("/vaults"), "/vaults");
    }

    #[test]
    fn every_address_that_a_page_gives_a_browser_is_put_below() {
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let given: Vec<&str> = sources.iter().flat_map(|source| given(source)).collect();
        assert!(given.len() > 60, "{}", given.len());
        let put = |value: &str| {
            ["at(", "site::at(", "move || at(", "\"#", "\"{"].iter().any(|start| value.starts_with(start))
        };
        let not: Vec<_> = given.into_iter().filter(|value| !put(value)).collect();
        assert!(not.is_empty(), "without at(): {not:#?}");
    }

    /// The text of every file in a folder and those within.
    fn sources(folder: &Path) -> Vec<String> {
        let inside = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        inside
            .flat_map(|path| match path.is_dir() {
                true => sources(&path),
                false => vec![std::fs::read_to_string(&path).expect("a text")],
            })
            .collect()
    }

    /// What is given as an address; an `action` only to a form itself.
    fn given(source: &str) -> Vec<&str> {
        let names = |line: &str| match line.contains("<form ") {
            true => [" href=", " src=", " action="],
            false => [" href=", " src=", " formaction="],
        };
        let page = source.split("#[cfg(test)]").next().unwrap_or_default();
        page.lines()
            .flat_map(|line| names(line).into_iter().filter_map(move |name| Some(line.split_once(name)?.1)))
            .collect()
    }
}
