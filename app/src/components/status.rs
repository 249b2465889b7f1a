//! A state as a dot *and* a word.

use leptos::prelude::*;

/// How a state is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Off on purpose, or nothing known.
    Off,
    /// Worth a look.
    Warn,
    /// Needs someone.
    Bad,
}

/// A dot and a word.
pub fn status(state: State, word: &'static str) -> AnyView {
    let name = match state {
        State::Good => "good",
        State::Off => "off",
        State::Warn => "warn",
        State::Bad => "bad",
    };
    view! { <span class="status" data-state=name>{word}</span> }.into_any()
}
