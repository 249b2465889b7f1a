//! Announces in a page's head which WebAssembly files it needs, so that browsers need not wait for the script to
//! request them.
//!
//! Leptos can do this too (`prefetch_lazy_fn_on_server`), but looks the request up by thread, which is wrong after an `.await`: under
//! load, pages come without announcements, or with another page's.

use crate::site::at;
use leptos::prelude::*;
use leptos_meta::Link;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// URLs of each page's files, besides the common ones. The server provides it as context for each request.
#[derive(Debug, Clone)]
pub struct PageFiles {
    pages: Arc<BTreeMap<String, Vec<String>>>,
    announced: Arc<Mutex<BTreeSet<String>>>,
}

impl PageFiles {
    /// The files for one request.
    pub fn new(pages: Arc<BTreeMap<String, Vec<String>>>) -> Self {
        Self { pages, announced: Arc::default() }
    }

    /// A page's URLs, except those this request has announced already.
    fn fresh(&self, page: &str) -> Vec<String> {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.pages.get(page).into_iter().flatten();
        all.filter(|address| announced.insert((*address).clone())).cloned().collect()
    }
}

/// Call it while the page is rendered.
pub(crate) fn announce(page: &str) {
    let Some(files) = use_context::<PageFiles>() else { return };
    for file in files.fresh(page) {
        let href = at(&file);
        // rendered on the server it goes into the head, and nothing appears here
        if href.ends_with(".wasm") {
            view! { <Link rel="preload" as_="fetch" type_="application/wasm" crossorigin="" href/> }.to_html();
        } else {
            view! { <Link rel="modulepreload" href/> }.to_html();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_and_its_dialog_share_is_announced_once() {
        let files = |names: &[&str]| names.iter().map(|name| format!("/pkg/1/{name}")).collect::<Vec<_>>();
        let pages = [("media", files(&["split.js", "media.wasm"])), ("dialogs", files(&["split.js", "dialogs.wasm"]))];
        let pages = Arc::new(pages.into_iter().map(|(page, files)| (page.to_owned(), files)).collect());
        let request = PageFiles::new(Arc::clone(&pages));
        assert_eq!(request.fresh("media"), files(&["split.js", "media.wasm"]));
        assert_eq!(request.fresh("dialogs"), files(&["dialogs.wasm"]));
        assert_eq!(request.fresh("sign-in"), [""; 0]);
        assert_eq!(PageFiles::new(pages).fresh("dialogs"), files(&["split.js", "dialogs.wasm"]));
    }
}
