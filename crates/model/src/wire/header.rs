//! Names of headers. Their case does not matter.

/// Access key of the account.
pub const ACCESS_KEY: &str = "X-Kerberos-Storage-AccessKey";
/// Secret key of the account.
pub const SECRET_KEY: &str = "X-Kerberos-Storage-SecretAccessKey";
/// Name of the provider; empty means the account's main one on upload, any on reading.
pub const PROVIDER: &str = "X-Kerberos-Storage-Provider";
/// Directory of an upload, for accounts without a fixed one.
pub const DIRECTORY: &str = "X-Kerberos-Storage-Directory";
/// On upload a plain file name, on reading a full key.
pub const FILE_NAME: &str = "X-Kerberos-Storage-FileName";
/// Device key of the agent.
pub const DEVICE: &str = "X-Kerberos-Storage-Device";
/// Kind of device, such as `IPCamera`.
pub const CAPTURE: &str = "X-Kerberos-Storage-Capture";
/// The owner's Hub public key.
pub const CLOUD_KEY: &str = "X-Kerberos-Storage-CloudKey";
/// Frames per second.
pub const FPS: &str = "X-Kerberos-Storage-Fps";
/// Length of the recording in milliseconds.
pub const DURATION: &str = "X-Kerberos-Storage-Duration";
/// Start of the recording, Unix milliseconds.
pub const TIMESTAMP: &str = "X-Kerberos-Storage-Timestamp";
/// The camera's name.
pub const DEVICE_NAME: &str = "X-Kerberos-Storage-DeviceName";
/// Where motion was seen, `x1-y1-x2-y2`.
pub const REGION: &str = "X-Kerberos-Storage-RegionCoordinates";
/// How many pixels changed.
pub const CHANGES: &str = "X-Kerberos-Storage-NumberOfChanges";
/// Which other headers of the request are the owner's own: base64url, without padding, of a JSON array of names.
pub const CUSTOM_HEADERS: &str = "X-Kerberos-Storage-Custom-Headers";
/// Ours: the vaults that a forwarded recording came through, so that a ring is noticed.
pub const VAULT_PATH: &str = "X-Vault-Path";
/// What an upload may say about its recording.
pub const OF_UPLOADS: &[&str] = &[
    PROVIDER,
    DIRECTORY,
    FILE_NAME,
    DEVICE,
    CAPTURE,
    CLOUD_KEY,
    FPS,
    DURATION,
    TIMESTAMP,
    DEVICE_NAME,
    REGION,
    CHANGES,
    CUSTOM_HEADERS,
    VAULT_PATH,
];

/// Under which key `Upload-Metadata` of a resumable upload says what a header of the single request says.
pub fn in_metadata(header: &str) -> Option<&'static str> {
    Some(match header {
        PROVIDER => "provider",
        DIRECTORY => "directory",
        FILE_NAME => "filename",
        DEVICE => "device",
        CAPTURE => "capture",
        CLOUD_KEY => "cloudkey",
        FPS => "fps",
        DURATION => "duration",
        TIMESTAMP => "timestamp",
        DEVICE_NAME => "device_name",
        REGION => "region_coordinates",
        CHANGES => "number_of_changes",
        _ => return None,
    })
}
