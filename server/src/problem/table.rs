//! All errors, by name.

use axum::http::StatusCode;
use model::wire::code;

/// An error's name and cure. Codes are the ecosystem's own where it has one.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable name, for programs.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// What is wrong, for people; a sentence.
    pub sentence: &'static str,
    /// What to do, for people; a sentence.
    pub cure: &'static str,
    /// Value of `Retry-After` in seconds; 0 for none.
    pub retry_after_s: u32,
}

/// tus's own, which HTTP does not know.
const CHECKSUM_MISMATCH: StatusCode = match StatusCode::from_u16(460) {
    Ok(status) => status,
    Err(_) => panic!("three digits are a status"),
};

macro_rules! status {
    (CHECKSUM_MISMATCH) => {
        CHECKSUM_MISMATCH
    };
    ($of_http:ident) => {
        StatusCode::$of_http
    };
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident $code:expr, $sentence:literal, $cure:literal $(, retry $after:literal)?;)*) => {
        $($(#[$doc])* pub const $name: Problem = Problem {
            code: $code, status: status!($status), sentence: $sentence, cure: $cure,
            retry_after_s: 0 $(+ $after)?,
        };)*

        /// All of them, for documentation and tests.
        pub const ALL: &[&Problem] = &[$(&$name),*];
    };
}

problems! {
    /// No access key.
    MISSING_ACCESS_KEY = BAD_REQUEST "file_missing_access_key",
        "The access key is missing.", "Send it as X-Kerberos-Storage-AccessKey.";
    /// No secret key.
    MISSING_SECRET_KEY = BAD_REQUEST "file_missing_secret_access_key",
        "The secret access key is missing.", "Send it as X-Kerberos-Storage-SecretAccessKey.";
    /// Unknown access key or wrong secret: deliberately indistinguishable.
    WRONG_CREDENTIALS = UNAUTHORIZED (code::WRONG_CREDENTIALS),
        "Access key or secret key is wrong.", "Copy both from the account in the vault's UI.";
    /// The account is disabled.
    ACCOUNT_DISABLED = FORBIDDEN (code::ACCOUNT_DISABLED),
        "This account is disabled.", "Enable it in the vault's UI.";
    /// No file name.
    MISSING_NAME = BAD_REQUEST (code::MISSING_NAME),
        "The file name is missing.", "Send it as X-Kerberos-Storage-FileName.";
    /// The file name is not allowed.
    INVALID_NAME = BAD_REQUEST (code::INVALID_NAME),
        "The file name is not valid.", "Use a plain name, or on reading directory/filename, without '..', backslashes or control characters.";
    /// The account needs a directory from the agent.
    DIRECTORY_MISSING = BAD_REQUEST (code::DIRECTORY_MISSING),
        "The directory is missing.", "Send it as X-Kerberos-Storage-Directory, or give the account a fixed one.";
    /// The directory is not allowed.
    DIRECTORY_INVALID = BAD_REQUEST (code::DIRECTORY_INVALID),
        "The directory is not valid.", "Use plain names joined by slashes, without '..', backslashes or control characters.";
    /// Another account has the directory to itself.
    DIRECTORY_TAKEN = CONFLICT (code::DIRECTORY_TAKEN),
        "The directory is kept for another account.", "Choose another directory, or turn off Exclusive directory at the account that has it.";
    /// Another header is not allowed.
    HEADER_INVALID = BAD_REQUEST (code::HEADER_INVALID),
        "A header is not valid.", "Correct it or leave it out.";
    /// The body is empty.
    FILE_EMPTY = BAD_REQUEST (code::FILE_EMPTY),
        "The recording is empty.", "Send the file's bytes as the body.";
    /// The body ended early.
    FILE_INCOMPLETE = BAD_REQUEST (code::FILE_INCOMPLETE),
        "The recording broke off before its end.", "Nothing was stored; send it again.";
    /// The body stalled, or comes too slowly.
    FILE_STALLED = REQUEST_TIMEOUT (code::FILE_STALLED),
        "The recording stopped arriving, or arrived too slowly.", "Nothing was stored; send it again.";
    /// The recording is larger than the limit.
    FILE_TOO_LARGE = PAYLOAD_TOO_LARGE (code::FILE_TOO_LARGE),
        "The recording is too large.", "Record shorter files, or raise limits.max_upload_bytes.";
    /// A form instead of a file.
    MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE (code::MEDIA_TYPE),
        "A form is not a recording.", "Send the file itself as the body, with Content-Type: video/mp4.";
    /// Compressed bytes, which no player would know for a recording.
    CONTENT_ENCODING = UNSUPPORTED_MEDIA_TYPE "file_unsupported_content_encoding",
        "A compressed body is not taken.", "Send it as it is, without Content-Encoding.";
    /// Somebody has locked the recording.
    LOCKED = CONFLICT (code::LOCKED),
        "This recording is locked: it can be neither deleted nor replaced.", "An administrator can unlock it in Media.";
    /// Another account has this key.
    KEY_TAKEN = CONFLICT (code::KEY_TAKEN),
        "Another account has stored a recording of this name.", "Give the accounts different directories.";
    /// Something that the vault has not stored lies at the key.
    KEY_FOREIGN = CONFLICT (code::KEY_FOREIGN),
        "Something that this vault has not stored lies under this name at the storage provider.", "It is left as it is: take it away there, or give the account another directory.";
    /// A file and a folder would have one name.
    KEY_CLASH = CONFLICT (code::KEY_CLASH),
        "The name clashes with another at the storage provider.", "Give the recording or its directory another name.";
    /// The recording has come back to a vault it came through.
    FORWARD_LOOP = CONFLICT (code::FORWARD_LOOP),
        "This recording came from this vault.", "Vaults forward to each other in a ring; nothing needs to be sent again.";
    /// The account has no on-demand vault.
    NOT_FORWARDED = CONFLICT "forward_not_configured",
        "This account forwards to no vault on demand.", "Add an integration Kerberos Vault of the type on demand, and tick it in the account.";
    /// No provider has this name.
    PROVIDER_NOT_FOUND = NOT_FOUND (code::PROVIDER_NOT_FOUND),
        "The account has no such storage provider.", "Correct X-Kerberos-Storage-Provider, leave it empty for the account's main provider, or tick it under Other providers.";
    /// The account may not use a provider that is named in a list, or there is none of this name.
    PROVIDER_NOT_ALLOWED = UNAUTHORIZED "storage_provider_not_allowed",
        "The account may not use a storage provider that is named.", "Correct the name, leave it out to look everywhere, or tick the provider under Other providers.";
    /// The provider is disabled.
    PROVIDER_DISABLED = FORBIDDEN (code::PROVIDER_DISABLED),
        "The storage provider is disabled.", "Enable it in the vault's UI.";
    /// The provider does not answer.
    PROVIDER_UNAVAILABLE = SERVICE_UNAVAILABLE "storage_provider_unavailable",
        "The storage provider does not answer.", "Nothing was changed; try again later.", retry 10;
    /// The provider refuses the vault.
    PROVIDER_REFUSES = BAD_GATEWAY "storage_provider_refuses",
        "The storage provider refuses the vault.", "Validate the provider in the vault's UI; then try again.", retry 60;
    /// The provider reports having stored something other than what was sent.
    PROVIDER_MISMATCH = BAD_GATEWAY "storage_provider_mismatch",
        "The storage provider does not have what it was sent.", "Send it again later; validate the provider in the vault's UI.", retry 60;
    /// The provider is full.
    PROVIDER_FULL = INSUFFICIENT_STORAGE "storage_provider_full",
        "The storage provider has no room left.", "Make room; then try again.", retry 60;
    /// The vault's own volume has no room.
    VAULT_FULL = INSUFFICIENT_STORAGE (code::VAULT_FULL),
        "The vault's own disk has no room left.", "Make room on the volume of the vault's data folder.", retry 60;
    /// Storing failed for another reason.
    UPLOAD_FAILED = BAD_GATEWAY (code::UPLOAD_FAILED),
        "The recording could not be stored.", "Nothing was stored; try again later.", retry 10;
    /// Too many uploads at the same time.
    BUSY = SERVICE_UNAVAILABLE (code::BUSY),
        "The vault is receiving as much as it can.", "Try again shortly.", retry 5;
    /// The vault's own database fails.
    DATABASE = SERVICE_UNAVAILABLE "storage_database_unavailable",
        "The vault's database does not answer.", "Try again later; details are in the vault's log.", retry 10;
    /// No such recording.
    RECORDING_NOT_FOUND = NOT_FOUND "storage_recording_not_found",
        "There is no such recording.", "Use the full key, directory/filename, and the provider it was stored at.";
    /// No recording that is asked for can be played by HLS.
    NOT_PLAYABLE = CONFLICT "hls_not_playable",
        "No recording that is asked for can be played by HLS.", "POST /api/hls/metadata tells of each why; the files can be read by GET /api/storage.";
    /// Another account's recording.
    NOT_YOUR_RECORDING = FORBIDDEN "storage_not_your_recording",
        "This recording belongs to another account.", "Use that account's credentials.";
    /// The range lies outside the recording.
    RANGE = RANGE_NOT_SATISFIABLE "storage_range_not_satisfiable",
        "The range lies outside the recording.", "Ask for bytes within its size.";
    /// `If-Match` does not hold.
    PRECONDITION = PRECONDITION_FAILED "storage_precondition_failed",
        "The recording has changed.", "Read it again without If-Match.";
    /// The signed URL is not ours, or was changed.
    SIGNATURE = FORBIDDEN "storage_signature_invalid",
        "This address is not valid, or not any more: its recording may be gone or replaced, the account's keys changed, or its addresses were revoked.", "Ask for a new one.";
    /// The signed URL is too old.
    EXPIRED = FORBIDDEN "storage_signature_expired",
        "This address has expired.", "Ask for a new one.";
    /// A body that is not the expected JSON.
    BODY_INVALID = BAD_REQUEST "body_invalid",
        "The body is not what was expected.", "Correct it and try again.";
    /// Another version of tus.
    TUS_VERSION = PRECONDITION_FAILED "tus_version",
        "The vault knows version 1.0.0 of tus.", "Send Tus-Resumable: 1.0.0.";
    /// A header of tus is missing or malformed.
    TUS_HEADER = BAD_REQUEST "tus_header_invalid",
        "A header of tus is not valid.", "Correct it and try again.";
    /// Another media type.
    TUS_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "tus_media_type",
        "The bytes of an upload have a media type of their own.", "Send Content-Type: application/offset+octet-stream.";
    /// An empty file.
    TUS_EMPTY = NOT_IMPLEMENTED "tus_empty",
        "An empty file is not uploaded in several requests.", "Send it in one, to /api/storage.";
    /// Parts of a file as uploads of their own.
    TUS_CONCATENATION = NOT_IMPLEMENTED "tus_concatenation",
        "The vault does not join uploads (Upload-Concat): a recording is one upload.", "Turn parallel uploads off in the client.";
    /// No such upload.
    TUS_NOT_FOUND = NOT_FOUND "tus_upload_not_found",
        "There is no such upload.", "Begin it anew.";
    /// The upload has expired.
    TUS_EXPIRED = GONE "tus_upload_expired",
        "The upload was not gone on with for too long.", "Begin it anew.";
    /// Another request is at it.
    TUS_HELD = LOCKED "tus_upload_locked",
        "Another request is sending this upload.", "Wait until it has ended.";
    /// Another offset.
    TUS_OFFSET = CONFLICT "tus_offset_wrong",
        "The bytes do not begin where the last ones ended.", "Ask with HEAD where to go on.";
    /// The length does not fit.
    TUS_LENGTH = BAD_REQUEST "tus_length_wrong",
        "The bytes do not fit the length of the recording.", "Send as many as were announced.";
    /// Another checksum.
    TUS_CHECKSUM = CHECKSUM_MISMATCH "tus_checksum_mismatch",
        "The bytes have another checksum; none of them was kept.", "Send them again.";
    /// A small message's body is too large.
    BODY_TOO_LARGE = PAYLOAD_TOO_LARGE "body_too_large",
        "The body is too large.", "Send less.";
    /// A request's head that is not HTTP.
    HEAD_INVALID = BAD_REQUEST "request_invalid",
        "The request is not valid HTTP.", "Correct what sends it; look for line breaks in headers.";
    /// A request's head that is too large.
    HEAD_TOO_LARGE = REQUEST_HEADER_FIELDS_TOO_LARGE "request_head_too_large",
        "The request has too many or too long headers.", "Send at most 200 headers, and 64 KiB together; 256 KiB with an upload.";
    /// A request's address that is too long.
    ADDRESS_TOO_LONG = URI_TOO_LONG "request_address_too_long",
        "The request's address is too long.", "Shorten it.";
    /// Over a rate limit.
    TOO_MANY = TOO_MANY_REQUESTS "too_many_requests",
        "Too many requests.", "Wait a little, then try again.", retry 10;
    /// Unknown address.
    NO_ROUTE = NOT_FOUND "route_not_found",
        "There is nothing at this address.", "The API is described at /swagger/index.html.";
    /// Known address, other method.
    METHOD = METHOD_NOT_ALLOWED "method_not_allowed",
        "This address does not take this method.", "Use one of those in the Allow header.";
    /// A page of another site tried to change something.
    ORIGIN = FORBIDDEN "origin_refused",
        "This request comes from another site.", "Use the vault's own pages. Behind a proxy, set server.public_url or server.trust_proxy.";
    /// A request for a name that is not the vault's.
    HOST = MISDIRECTED_REQUEST "host_refused",
        "The vault does not answer to this host name.", "Use its public address, or add the name to server.allowed_hosts.";
    /// Only for administrators.
    SIGN_IN = UNAUTHORIZED "sign_in_required",
        "This needs an administrator.", "Sign in to the vault first.";
    /// A defect of the vault.
    INTERNAL = INTERNAL_SERVER_ERROR "internal_error",
        "Something went wrong in the vault.", "Details are in the vault's log, under this answer's x-request-id.";
}
