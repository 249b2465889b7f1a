//! How many files the system lets this process have open at a time; a connection counts as one.

use super::notices::{Notice, Notices};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CODE: &str = "few-files";
/// For everything but connections and uploads: the database, deliveries, the log, folders that are read.
const OTHERS: usize = 256;

/// Asks for as many as the system allows, and answers how many that is; `None` is no limit.
pub fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    getrlimit(Resource::Nofile).current
}

/// Tells, or no longer tells, that `available` files are too few for so many connections and files of uploads.
pub(crate) async fn tell(notices: &Notices, available: Option<u64>, connections: usize, uploads: usize) {
    let Some((available, needed)) = shortage(available, connections, uploads) else {
        return notices.clear(CODE, "").await;
    };
    tracing::warn!(available, needed, "the system lets the vault open too few files (ulimit -n)");
    let text = format!(
        "The system lets the vault have {available} files open, connections among them; {needed} may be needed. Beyond that \
         uploads fail and nobody can connect."
    );
    let cure = "Raise the limit (LimitNOFILE of the systemd unit, ulimit -Hn, --ulimit nofile of a container) and start the \
                vault again, or lower server.max_connections.";
    notices.raise(Notice { code: CODE, subject: String::new(), text, cure: cure.into(), dismissible: true }).await;
}

/// How many there are and how many are needed, if that is more.
fn shortage(available: Option<u64>, connections: usize, uploads: usize) -> Option<(u64, u64)> {
    let needed = u64::try_from(connections.saturating_add(uploads).saturating_add(OTHERS)).unwrap_or(u64::MAX);
    available.filter(|available| *available < needed).map(|available| (available, needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_and_every_upload_needs_its_files() {
        assert_eq!(shortage(Some(1024), 4096, 2048), Some((1024, 4096 + 2048 + 256)));
        assert_eq!(shortage(Some(4096 + 2048 + 255), 4096, 2048), Some((6399, 6400)));
        for enough in [Some(6400), None] {
            assert_eq!(shortage(enough, 4096, 2048), None);
        }
    }
}
