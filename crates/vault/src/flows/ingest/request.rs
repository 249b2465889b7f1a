//! What an agent asks to store, its words read once.

use super::UploadError;
use super::custom_headers::announced;
use crate::access::accounts::Account;
use crate::base::vault_path::VaultPath;
use model::wire::{CustomHeaders, Facts, Label, header};
use model::{FileName, ObjectKey};

/// An upload but for its bytes, credentials already checked.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    /// The account whose credentials it carries.
    pub account: Account,
    /// Provider's name; `None` for the account's main one.
    pub provider: Option<String>,
    /// The directory that the agent names; may be empty.
    pub directory: String,
    /// Where it goes.
    pub key: ObjectKey,
    /// Device key; may be empty.
    pub device: Label,
    /// Kind of device; may be empty.
    pub capture: Label,
    /// Owner's Hub public key; may be empty.
    pub cloud_key: Label,
    /// What it says of the recording.
    pub facts: Facts,
    /// Headers of the owner's choice.
    pub custom_headers: CustomHeaders,
    /// Vaults it came through; empty for uploads from cameras.
    pub path: VaultPath,
    /// Size of the body, if announced.
    pub content_length: Option<u64>,
    /// The first header that cannot be used. It is told last: agents and vaults have always been told of the provider, the
    /// size and a loop before.
    pub invalid_header: Option<&'static str>,
    /// The headers of which something was left out, because it was none of what it should be.
    pub dropped: Vec<&'static str>,
}

impl UploadRequest {
    /// Reads what was said: `said` answers the text under a header's name, empty where there is none. It is asked for the
    /// names in [`header`], and for those of the owner's headers, which [`announced`] reads from one of them.
    pub fn read(
        account: Account,
        content_length: Option<u64>,
        said: impl Fn(&str) -> String,
    ) -> Result<Self, UploadError> {
        let file_name = said(header::FILE_NAME);
        if file_name.is_empty() {
            return Err(UploadError::MissingName);
        }
        let file = FileName::parse(&file_name).map_err(UploadError::InvalidName)?;
        let directory = said(header::DIRECTORY);
        let key = ObjectKey::parse(&format!("{}/{file}", account.directory(&directory)?))
            .map_err(UploadError::InvalidName)?;
        let mut invalid_header = None;
        let path = VaultPath::parse(&said(header::VAULT_PATH)).unwrap_or_else(|| {
            invalid_header = Some(header::VAULT_PATH);
            VaultPath::default()
        });
        let (facts, mut dropped) = Facts::read(&said);
        let announced = announced(&said(header::CUSTOM_HEADERS));
        let (custom_headers, not_kept) = CustomHeaders::collect(announced.clone().unwrap_or_default(), &said);
        if announced.is_none() || not_kept.is_some() {
            dropped.push(header::CUSTOM_HEADERS);
        }
        let mut label = |header| {
            Label::parse(said(header)).unwrap_or_else(|| {
                invalid_header.get_or_insert(header);
                Label::default()
            })
        };
        Ok(Self {
            provider: Some(said(header::PROVIDER)).filter(|name| !name.is_empty()),
            directory,
            key,
            path,
            device: label(header::DEVICE),
            capture: label(header::CAPTURE),
            cloud_key: label(header::CLOUD_KEY),
            facts,
            custom_headers,
            account,
            content_length,
            invalid_header,
            dropped,
        })
    }
}
