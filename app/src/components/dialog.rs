//! Dialogs that are addresses: rendered open by the server, a real modal once the page lives.

use super::{Icon, icon};
use crate::site::at;
use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use std::cell::RefCell;
use web_sys::HtmlElement;

thread_local! {
    /// What gets the focus back when no dialog is open any more. Stays while one dialog leads to another.
    static OPENER: RefCell<Option<HtmlElement>> = const { RefCell::new(None) };
}

/// Makes the dialog a modal one as soon as it is part of the page, which may be later than it exists.
fn show(node: NodeRef<html::Dialog>, heading: NodeRef<html::H2>) {
    let Some(dialog) = node.try_get_untracked().flatten() else { return };
    if !dialog.is_connected() {
        request_animation_frame(move || show(node, heading));
        return;
    }
    let focused = document().active_element().and_then(|e| e.dyn_into::<HtmlElement>().ok());
    if let Some(opener) = focused.filter(|e| e.tag_name() != "BODY" && matches!(e.closest("dialog"), Ok(None))) {
        OPENER.set(Some(opener));
    }
    // One that took over the element of the dialog before it is modal already.
    if !dialog.matches(":modal").unwrap_or_default() {
        dialog.remove_attribute("open").ok();
        dialog.show_modal().ok();
    }
    // Without a field to start in, the heading is a calmer place for the focus than Close.
    if let (Ok(None), Some(heading)) = (dialog.query_selector("[autofocus]"), heading.get_untracked()) {
        heading.focus().ok();
    }
}

/// Gives the focus back, unless another dialog has followed.
fn give_focus_back() {
    if let Ok(None) = document().query_selector("dialog[open]")
        && let Some(opener) = OPENER.take()
    {
        opener.focus().ok();
    }
}

/// Goes back to where a dialog was opened, in place of the dialog's own history entry.
fn leave(navigate: &impl Fn(&str, NavigateOptions), to: &str) {
    navigate(to, NavigateOptions { replace: true, scroll: false, ..Default::default() });
}

/// A modal dialog. Closing it leads to `close`.
#[component]
pub fn Dialog(
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    /// Address of the page below.
    #[prop(into)]
    close: Signal<String>,
    /// `narrow`, `wide` or `video`.
    size: &'static str,
    /// Body and footer.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let heading = NodeRef::<html::H2>::new();
    let navigate = use_navigate();
    Effect::new(move |_| {
        if node.get().is_some() {
            show(node, heading);
        }
    });
    on_cleanup(move || {
        if cfg!(feature = "hydrate") {
            request_animation_frame(give_focus_back);
        }
    });
    let cancel = {
        let navigate = navigate.clone();
        move |event: leptos::ev::Event| {
            event.prevent_default();
            leave(&navigate, &close.get_untracked());
        }
    };
    let close_link = move |event: leptos::ev::MouseEvent| {
        if !event.ctrl_key() && !event.meta_key() {
            event.prevent_default();
            leave(&navigate, &close.get_untracked());
        }
    };
    view! {
        <dialog class="dialog" data-size=size open=true aria-labelledby="dialog-title" node_ref=node on:cancel=cancel>
            <header class="dialog-head">
                <h2 id="dialog-title" tabindex="-1" node_ref=heading>{title}</h2>
                <a class="icon-button" href=move || at(&close.get()) data-noscroll="" aria-label="Close" on:click=close_link>
                    {icon(Icon::Close)}
                </a>
            </header>
            {children()}
        </dialog>
    }
    .into_any()
}

/// The inside of a dialog that asks before something is deleted; `children` is the form's content
/// besides its buttons.
#[component]
pub fn Confirm(
    /// Address of the page below.
    #[prop(into)]
    close: Signal<String>,
    /// What the button does: `Delete account`.
    action: &'static str,
    /// Whether it is under way.
    #[prop(into)]
    pending: Signal<bool>,
    /// Whether there is nothing to be done, so that nothing can be confirmed.
    #[prop(default = Signal::stored(false), into)]
    nothing: Signal<bool>,
    /// What is about to happen.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="dialog-body stack">{children()}</div>
        <footer class="dialog-foot">
            <a class="button" href=move || at(&close.get()) data-noscroll="" autofocus>"Cancel"</a>
            {move || {
                (!nothing.get())
                    .then(|| {
                        view! {
                            <button type="submit" class="button danger" disabled=pending>
                                {icon(Icon::Bin)}
                                {action}
                            </button>
                        }
                    })
            }}
        </footer>
    }
    .into_any()
}
