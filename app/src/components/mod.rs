//! Pieces that several pages share.

pub mod bar_chart;
pub mod copy;
pub mod dialog;
pub mod done;
pub mod field;
pub mod filter;
pub mod form;
pub mod from_file;
pub mod icon;
pub mod input;
pub mod layout;
pub mod notices;
pub mod page_head;
pub mod pager;
pub mod panel;
pub mod probe_report;
pub mod query;
pub mod refresh;
pub mod setting_field;
mod shortcuts;
pub mod sidebar;
pub mod status;
pub mod time;

pub use bar_chart::{Bar, BarChart};
pub use copy::{CopyButton, CopyRow};
pub use dialog::{Confirm, Dialog};
pub use done::Done;
pub use field::{Errors, FieldRow};
pub use filter::{choice, instant, to_utc};
pub use form::{Problem, Submit, focus_first_error, form_data};
pub use from_file::FromFile;
pub use icon::{Icon, icon};
pub use input::{SecretInput, Switch, TextInput};
pub use layout::Layout;
pub use notices::Notices;
pub use page_head::PageHead;
pub use pager::Pager;
pub use panel::{Empty, Loading, loaded};
pub use probe_report::ReportBox;
pub use query::{use_page_query, use_query};
pub use refresh::while_watched;
pub use setting_field::SettingField;
pub use status::{State, status};
pub use time::{Time, offset_ms};

pub(crate) use sidebar::mark;
