//! Storage providers and integrations: the same pages for both families.

pub mod chooser;
pub mod delete;
pub mod editor;
mod footer;
mod form_state;
pub mod list;
pub mod moves;
mod past_replays;
pub mod replay;

pub use chooser::ChooseKind;
pub use delete::DeleteDialog;
pub use editor::EditDialog;
pub use list::ConnectionsPage;
pub use moves::MoveDialog;
pub use replay::ReplayDialog;

use crate::api::connections::{DeleteConnection, SaveConnection};
use crate::api::deliveries::SendStoredTest;
use crate::api::replays::{StartReplay, StopReplay};
use crate::components::Icon;
use leptos::prelude::*;
use model::connection::Family;

/// What changes the list; lives with the page, so that the list reloads when a dialog is gone.
#[derive(Clone, Copy)]
struct Changes {
    save: ServerAction<SaveConnection>,
    delete: ServerAction<DeleteConnection>,
    test: ServerAction<SendStoredTest>,
    start: ServerAction<StartReplay>,
    stop: ServerAction<StopReplay>,
}

/// A family's words.
struct Words {
    title: &'static str,
    about: &'static str,
    one: &'static str,
    add: &'static str,
    delete: &'static str,
    search: &'static str,
    icon: Icon,
    done: &'static [(&'static str, &'static str)],
}

const fn words(family: Family) -> Words {
    match family {
        Family::Provider => Words {
            title: "Storage providers",
            about: "Where recordings are kept: a disk, a bucket, your own object store.",
            one: "storage provider",
            add: "Add storage provider",
            delete: "Delete storage provider",
            search: "Search storage providers",
            icon: Icon::Cloud,
            done: &[
                ("added", "Storage provider added. Choose it in an account to use it."),
                ("saved", "Storage provider saved."),
                ("deleted", "Storage provider deleted."),
                ("moving", "Recordings are being moved. They can be read all the while."),
            ],
        },
        Family::Integration => Words {
            title: "Integrations",
            about: "What is told about every recording: a queue, the Hub, another vault, your own endpoint.",
            one: "integration",
            add: "Add integration",
            delete: "Delete integration",
            search: "Search integrations",
            icon: Icon::Plug,
            done: &[
                ("added", "Integration added. Tick it in an account to use it."),
                ("saved", "Integration saved."),
                ("deleted", "Integration deleted."),
                ("tested", "The test event was delivered."),
                ("stopped", "The replay was stopped. What it had put into the outbox is still delivered."),
            ],
        },
    }
}

/// Picture of a kind.
pub(super) fn kind_icon(kind: &str) -> Icon {
    match kind {
        "filesystem" => Icon::Folder,
        "webhook" => Icon::Link,
        "hub" | "vault" => Icon::Shield,
        "kafka" | "sqs" | "rabbitmq" => Icon::Plug,
        _ => Icon::Cloud,
    }
}
