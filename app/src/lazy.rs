//! Pages that the browser loads on their first visit, each from its own WebAssembly file (ADR 0011).

use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use leptos_router::location::Url;
use std::future::{Future, pending};

/// Makes a page of what is shown at one or more addresses. All of it is in one file, `split_<file>.wasm`, loaded before
/// any of it is shown. Routes name what they show: `view=Media::Play`.
///
/// ```text
/// lazy_page! {
///     /// Recordings.
///     Media in media {
///         List => view! { <MediaPage/> },
///         Play => view! { <PlayDialog/> },
///     }
/// }
/// ```
macro_rules! lazy_page {
    ($(#[$about:meta])* $page:ident in $file:ident {
        $($part:ident $(($argument:ident: $type:ty))? => $view:expr),+ $(,)?
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        #[expect(missing_docs, reason = "named after what they show")]
        pub enum $page { $($part $(($type))?),+ }

        /// `None` just loads the file.
        #[::leptos::wasm_split::wasm_split($file, wasm_split_path = ::leptos::wasm_split, fallible)]
        fn $file(part: Option<$page>) -> Result<AnyView, ::leptos::wasm_split::SplitLoaderError> {
            Ok(match part {
                None => ().into_any(),
                $(Some($page::$part $(($argument))?) => $view.into_any()),+
            })
        }

        impl ::leptos_router::ChooseView for $page {
            async fn choose(self) -> AnyView {
                // it is there: the router waited for `preload`
                $file(Some(self)).await.unwrap_or_else(|_| ().into_any())
            }

            async fn preload(&self) {
                $crate::lazy::loaded(stringify!($file), $file(None)).await;
            }
        }
    };
}
pub(crate) use lazy_page;

/// Waits for a page's file. If it cannot be loaded (the network is down; the vault was updated and has other files
/// now), the browser loads the page's URL, as it would without WebAssembly.
pub(crate) async fn loaded(file: &'static str, loading: impl Future<Output = Result<AnyView, SplitLoaderError>>) {
    #[cfg(feature = "ssr")]
    crate::announce::announce(file);
    #[cfg(not(feature = "ssr"))]
    let _ = file;
    let owner = Owner::current();
    let target = use_context::<ArcRwSignal<Url>>();
    if loading.await.is_ok() {
        return;
    }
    if Owner::current_shared_context().is_some_and(|context| context.during_hydration()) {
        stay_plain(owner);
    } else if let Some(target) = target {
        location().assign(&target.with_untracked(address_of)).ok();
    }
    pending().await
}

fn address_of(url: &Url) -> String {
    let mark = if url.search().is_empty() { "" } else { "?" };
    format!("{}{mark}{}{}", url.path(), url.search(), url.hash())
}

/// Leaves a page as the server rendered it. The router is already listening and would break its links.
fn stay_plain(owner: Option<Owner>) {
    if let Some(root) = std::iter::successors(owner, Owner::parent).last() {
        root.cleanup();
    }
}
