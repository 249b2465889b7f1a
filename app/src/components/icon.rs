//! Icons, drawn on a 20 × 20 grid with a stroke of 1.5.

use leptos::prelude::*;

/// Which icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what the icons show")]
pub enum Icon {
    Account,
    Arrow,
    Bin,
    Camera,
    Check,
    Close,
    Cloud,
    Copy,
    Cross,
    Dashboard,
    Download,
    Eye,
    Film,
    Folder,
    Help,
    Info,
    Key,
    Left,
    Link,
    Lock,
    Menu,
    Pencil,
    Play,
    Plug,
    Plus,
    Refresh,
    Replay,
    Right,
    Search,
    Send,
    Shield,
    SignOut,
    Swagger,
    Warning,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Account => "M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3.5 17c.6-3 3.2-4.5 6.5-4.5s5.9 1.5 6.5 4.5",
            Self::Arrow => "M4 10h12M11 5l5 5-5 5",
            Self::Bin => "M3.5 5.5h13M8 5.5v-2h4v2M5 5.5l.8 11h8.4l.8-11M8.3 8.5v5M11.7 8.5v5",
            Self::Camera => "M2.5 6h10v8h-10zM12.5 9l5-2.5v7l-5-2.5",
            Self::Check => "M4 10.5l4 4 8-9",
            Self::Close | Self::Cross => "M5 5l10 10M15 5L5 15",
            Self::Cloud => "M5.5 15.5a3.5 3.5 0 0 1-.4-7 5 5 0 0 1 9.7-.9 4 4 0 0 1 .2 7.9z",
            Self::Copy => "M7 7h9.5v9.5H7zM4 13H3.5V3.5H13V4",
            Self::Dashboard => "M3 3h6v6H3zM11 3h6v4h-6zM3 11h6v6H3zM11 9h6v8h-6z",
            Self::Download => "M10 3v10M6 9.5l4 4 4-4M3.5 17h13",
            Self::Eye => {
                "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10ZM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z"
            }
            Self::Film => "M2.5 4h15v12h-15zM6 4v12M14 4v12M2.5 8H6M2.5 12H6M14 8h3.5M14 12h3.5",
            Self::Folder => "M2.5 15.5v-11h5l2 2.5h8v8.5z",
            Self::Help => {
                "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.8 7.8c.2-1.3 1.1-2 2.3-2s2.2.8 2.2 2c0 1.7-2.3 1.8-2.3 3.5M10 13.9v.2"
            }
            Self::Info => "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 9v5M10 6.2v.2",
            Self::Key => "M12.5 11.5a4 4 0 1 0-3.7-2.5L2.5 15.3v2.2H5v-2h2v-2h2l.9-.9c.8.6 1.6.9 2.6.9ZM13.7 6.3v.1",
            Self::Left => "M12 4.5L6.5 10l5.5 5.5",
            Self::Link => {
                "M8 12l4-4M9 5.5l1.5-1.5a3.9 3.9 0 0 1 5.5 5.5L14.5 11M11 14.5L9.5 16A3.9 3.9 0 0 1 4 10.5L5.5 9"
            }
            Self::Lock => "M4.5 9h11v8h-11zM6.5 9V6.5a3.5 3.5 0 0 1 7 0V9",
            Self::Menu => "M3 5.5h14M3 10h14M3 14.5h14",
            Self::Pencil => "M3.5 16.5l.8-3.6L13.5 3.7l2.8 2.8-9.2 9.2zM11.5 5.7l2.8 2.8",
            Self::Play => "M6 4l10 6-10 6z",
            Self::Plug => "M7 2.5V6M13 2.5V6M4.5 6h11v3a5.5 5.5 0 0 1-11 0zM10 14.5v3",
            Self::Plus => "M10 4v12M4 10h12",
            Self::Refresh => {
                "M16 8A6.5 6.5 0 0 0 4.3 6.9L3 8.5M3 4.5v4h4M4 12a6.5 6.5 0 0 0 11.7 1.1L17 11.5M17 15.5v-4h-4"
            }
            Self::Replay => "M3.5 3.5v4h4M3.8 7.5A7 7 0 1 1 3 11.5M10 6.5V10l2.7 1.8",
            Self::Right => "M8 4.5l5.5 5.5L8 15.5",
            Self::Search => "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12ZM13.5 13.5L17.5 17.5",
            Self::Send => "M17.5 2.5l-15 5.6 6 2.4 2.6 6.2zM8.5 10.5l9-8",
            Self::Shield => "M10 2.5l6.5 2.3v4.7c0 4-2.7 6.6-6.5 8-3.8-1.4-6.5-4-6.5-8V4.8zM7 9.8l2.2 2.2L13 8",
            Self::SignOut => "M12 6V3.5H3.5v13H12V14M8 10h9.5M14.5 7l3 3-3 3",
            Self::Swagger => {
                "M6.5 3.5C4 3.5 5.5 10 3 10c2.5 0 1 6.5 3.5 6.5M13.5 3.5C16 3.5 14.5 10 17 10c-2.5 0-1 6.5-3.5 6.5M7.5 10v.1M10 10v.1M12.5 10v.1"
            }
            Self::Warning => "M10 3l8 14H2zM10 8.5v4M10 14.6v.1",
        }
    }
}

/// Draws an icon; the text beside it, or the label of its button, says what it means.
pub fn icon(icon: Icon) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path d=icon.path()></path>
        </svg>
    }
    .into_any()
}
