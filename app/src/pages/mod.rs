//! One folder or file per page, and what the browser loads for each: a new page needs a line here, or lines, and its
//! routes in lib.rs.

pub mod accounts;
pub mod cameras;
pub mod connections;
pub mod dashboard;
pub mod deliveries;
pub mod editing;
pub mod help;
pub mod media;
pub mod not_found;
pub mod password;
pub mod provisioned;
pub mod search;
pub mod sign_in;

use crate::lazy::lazy_page;
use accounts::{AccountDialog, AccountsPage, DeleteAccountDialog, KeysDialog, RevokeUrlsDialog};
use cameras::{CamerasPage, DeleteCameraDialog};
use connections::{ChooseKind, ConnectionsPage, DeleteDialog, EditDialog, MoveDialog, ReplayDialog};
use dashboard::DashboardPage;
use deliveries::{DeliveriesPage, DeliveryDialog};
use help::HelpPage;
use leptos::prelude::*;
use media::{DeleteRecordingsDialog, ForwardDialog, LockDialog, MediaPage, PlayDialog};
use model::connection::Family;
use password::PasswordPage;

lazy_page! {
    /// Figures and first steps.
    Dashboard in dashboard {
        Figures => view! { <DashboardPage/> },
    }
}

lazy_page! {
    /// One's own password.
    Password in password {
        Change => view! { <PasswordPage/> },
    }
}

lazy_page! {
    /// Documentation.
    Help in help {
        Contents => view! { <HelpPage/> },
    }
}

lazy_page! {
    /// Recordings.
    Media in media {
        List => view! { <MediaPage/> },
    }
}

lazy_page! {
    /// What is done with recordings.
    MediaDialogs in media_dialogs {
        Delete => view! { <DeleteRecordingsDialog/> },
        Forward => view! { <ForwardDialog/> },
        Lock => view! { <LockDialog/> },
        Play => view! { <PlayDialog/> },
    }
}

lazy_page! {
    /// Cameras.
    Cameras in cameras {
        List => view! { <CamerasPage/> },
        Delete => view! { <DeleteCameraDialog/> },
    }
}

lazy_page! {
    /// Events on their way, and those that did not get there.
    Deliveries in deliveries {
        List => view! { <DeliveriesPage/> },
    }
}

lazy_page! {
    /// One event on its way.
    DeliveryDialogs in delivery_dialogs {
        Details => view! { <DeliveryDialog/> },
    }
}

lazy_page! {
    /// Storage providers and integrations.
    Connections in connections {
        List(family: Family) => view! { <ConnectionsPage family/> },
    }
}

lazy_page! {
    /// What is done with providers and integrations.
    ConnectionDialogs in connection_dialogs {
        Choose(family: Family) => view! { <ChooseKind family/> },
        Edit(family: Family) => view! { <EditDialog family/> },
        Delete(family: Family) => view! { <DeleteDialog family/> },
        Move => view! { <MoveDialog/> },
        Replay => view! { <ReplayDialog/> },
    }
}

lazy_page! {
    /// Whose credentials agents use.
    Accounts in accounts {
        List => view! { <AccountsPage/> },
    }
}

lazy_page! {
    /// What is done with accounts.
    AccountDialogs in account_dialogs {
        Edit => view! { <AccountDialog/> },
        Delete => view! { <DeleteAccountDialog/> },
        Keys => view! { <KeysDialog/> },
        Revoke => view! { <RevokeUrlsDialog/> },
    }
}
