//! Filling a field of several lines from a text file: chosen, or dropped onto the dialog.

use super::{Icon, icon};
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use model::text_file::TextFile;
use web_sys::{DragEvent, File, FileList, FileReader, HtmlTextAreaElement};

/// The button below the field. A file that is dropped anywhere goes to the field too: the dialog is modal, so there is no
/// other place for it, and a browser would leave the page for a file that misses its place.
#[component]
pub fn FromFile(
    /// Id of the text area.
    area: String,
    /// Label of the field.
    label: &'static str,
    /// Which files are right.
    kind: TextFile,
) -> impl IntoView {
    let chooser = NodeRef::<html::Input>::new();
    let over = RwSignal::new(false);
    // That a file has been read, or why it has not.
    let status = RwSignal::new(None::<Result<String, String>>);
    let area = StoredValue::new(area);
    let take = move |files: FileList| {
        let (1, Some(file)) = (files.length(), files.get(0)) else {
            status.set(Some(Err("Choose one file.".into())));
            return;
        };
        let name = file.name();
        read(&file, kind, move |text| {
            let filled = text.and_then(|text| fill(&area.get_value(), &text));
            status.try_set(Some(match filled {
                Ok(()) => Ok(format!("{name} has been read.")),
                Err(why) => Err(format!("{name} has not been read. {why}")),
            }));
        });
    };
    listen(over, take);
    let choose = move |_| {
        if let Some(input) = chooser.get_untracked() {
            input.click();
        }
    };
    let chosen = move |_| {
        let Some(input) = chooser.get_untracked() else { return };
        if let Some(files) = input.files().filter(|files| files.length() > 0) {
            take(files);
        }
        // So that the same file, corrected, can be chosen again.
        input.set_value("");
    };
    let good = move || status.get().and_then(Result::ok).map(|text| view! { <p class="field-help">{text}</p> });
    let bad = move || status.get().and_then(Result::err).map(|text| view! { <p class="field-error">{text}</p> });
    view! {
        <div class="from-file needs-js" data-over=move || over.get().then_some("")>
            <button type="button" class="button small" on:click=choose>
                {icon(Icon::Folder)}
                "Choose a file"
                <span class="sr-only">{format!(" for {label}")}</span>
            </button>
            <span class="quiet">"or drop it onto this dialog"</span>
            <input type="file" hidden accept=kind.name_ends() node_ref=chooser on:change=chosen/>
        </div>
        <div class="said" role="status">{good}</div>
        <div class="said" role="alert">{bad}</div>
    }
    .into_any()
}

/// Takes files that are dropped, as long as the field is there; `over` says that one is on its way.
fn listen(over: RwSignal<bool>, take: impl Fn(FileList) + Copy + 'static) {
    Effect::new(move |_| {
        let dragged = window_event_listener(ev::dragover, move |event| {
            if files(&event).is_some() {
                event.prevent_default();
                over.set(true);
            }
        });
        let left = window_event_listener(ev::dragleave, move |event| {
            if event.related_target().is_none() {
                over.set(false);
            }
        });
        let dropped = window_event_listener(ev::drop, move |event| {
            if let Some(files) = files(&event) {
                event.prevent_default();
                over.set(false);
                take(files);
            }
        });
        on_cleanup(move || {
            dragged.remove();
            left.remove();
            dropped.remove();
        });
    });
}

/// The files of a drag, if it is one of files. Their list is empty until they are dropped.
fn files(event: &DragEvent) -> Option<FileList> {
    let data = event.data_transfer()?;
    data.types().includes(&"Files".into(), 0).then(|| data.files()).flatten()
}

/// Reads a file of a size that can be right, checks its text and goes on with it.
fn read(file: &File, kind: TextFile, then: impl FnOnce(Result<String, String>) + 'static) {
    // Browsers count in floating point; a whole number of bytes comes out as it is.
    if let Err(why) = TextFile::check_size(file.size() as u64) {
        return then(Err(why));
    }
    let Ok(reader) = FileReader::new() else { return };
    let ended = {
        let reader = reader.clone();
        Closure::once_into_js(move || {
            let text = reader.result().ok().and_then(|text| text.as_string());
            let text = text.ok_or_else(|| "It cannot be read.".to_owned());
            then(text.and_then(|text| kind.check(&text).map(|()| text).map_err(str::to_owned)));
        })
    };
    reader.set_onloadend(Some(ended.unchecked_ref()));
    reader.read_as_text(file).ok();
}

/// Puts a text into the field, as if it had been pasted.
fn fill(area: &str, text: &str) -> Result<(), String> {
    let found = document().get_element_by_id(area).and_then(|e| e.dyn_into::<HtmlTextAreaElement>().ok());
    let area = found.ok_or_else(|| "The field is gone.".to_owned())?;
    area.set_value(text);
    area.focus().ok();
    Ok(())
}
