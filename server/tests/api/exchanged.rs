//! A provider's folder that is exchanged for another while the vault runs: two disks are mounted the other way round, a folder
//! is renamed. What others have stored there is neither read, nor replaced, nor deleted.

use crate::support::{DIRECTORY, FILE_NAME, PROVIDER, SITE_A, TestVault, account, filesystem, send};
use model::account::AccountForm;
use reqwest::{Method, RequestBuilder};
use std::path::PathBuf;
use vault::{Principal, Task};

const OTHER: (&str, &str) = ("key-of-other", "secret-of-the-other-account");
const NAMES: [&str; 3] = ["1606164481_6-1_yard_0-0-1-1_1_1.mp4", "1606164482_6-1_yard_0-0-1-1_1_1.mp4", "late.mp4"];

/// Two accounts with a folder each, and recordings of the same names and lengths in them.
struct Two {
    vault: TestVault,
}

impl Two {
    async fn open() -> Self {
        let (vault, actor) = (TestVault::start().await, Principal::Vault(Task::Provisioning));
        vault.vault.connections.save(&actor, filesystem(&vault.dir, "second", true)).await.unwrap();
        let other = AccountForm { provider: "second".into(), ..account("other", "*", OTHER) };
        vault.vault.accounts.save(&actor, other).await.unwrap();
        let two = Self { vault };
        for (keys, byte) in [(SITE_A, b'a'), (OTHER, b'o')] {
            for name in &NAMES[..2] {
                assert_eq!(send(two.upload(keys, name, byte)).await.status, 200);
            }
        }
        two
    }

    fn upload(&self, keys: (&str, &str), name: &str, byte: u8) -> RequestBuilder {
        let request = self.request(Method::POST, "/api/storage", keys, name).header(DIRECTORY, "dir");
        request.header("content-type", "video/mp4").body(vec![byte; 2000])
    }

    fn request(&self, method: Method, path: &str, keys: (&str, &str), name: &str) -> RequestBuilder {
        let request = self.vault.request(method, path).header("x-kerberos-storage-accesskey", keys.0);
        request.header("x-kerberos-storage-secretaccesskey", keys.1).header(FILE_NAME, name)
    }

    async fn read(&self, keys: (&str, &str), name: &str) -> (u16, Option<u8>) {
        let request = self.request(Method::GET, "/api/storage/blob", keys, &format!("dir/{name}"));
        let answer = send(request.header(PROVIDER, "")).await;
        (answer.status, answer.body.first().copied().filter(|_| answer.status == 200))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.vault.dir.path().join(name)
    }

    fn exchange(&self) {
        let away = self.folder("away");
        std::fs::rename(self.folder("recordings"), &away).unwrap();
        std::fs::rename(self.folder("second"), self.folder("recordings")).unwrap();
        std::fs::rename(away, self.folder("second")).unwrap();
    }

    fn stored(&self, folder: &str, name: &str) -> Option<u8> {
        std::fs::read(self.folder(folder).join("dir").join(name)).ok()?.first().copied()
    }
}

#[tokio::test]
async fn nothing_of_the_other_folder_is_touched_and_all_goes_on_when_it_is_back() {
    let two = Two::open().await;
    two.exchange();
    for (keys, byte) in [(SITE_A, b'a'), (OTHER, b'o')] {
        assert_eq!(two.read(keys, NAMES[0]).await, (503, None), "nobody gets the other's bytes");
        for (name, byte) in [(NAMES[0], byte), (NAMES[1], byte + 1), (NAMES[2], byte)] {
            let answer = send(two.upload(keys, name, byte)).await;
            assert_eq!(answer.status, 503, "{name}: {answer:?}");
        }
        // Its row goes; what lies there waits until the folder is back.
        let answer = send(two.request(Method::DELETE, "/api/storage", keys, &format!("dir/{}", NAMES[1]))).await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    }
    for (folder, byte) in [("recordings", b'o'), ("second", b'a')] {
        assert_eq!(NAMES.map(|name| two.stored(folder, name)), [Some(byte), Some(byte), None], "{folder}");
    }
    let notices = two.vault.vault.notices.list().await.unwrap();
    assert_eq!(notices.iter().filter(|notice| notice.code == "other-place").count(), 2, "{notices:?}");

    two.exchange();
    for (keys, byte) in [(SITE_A, b'a'), (OTHER, b'o')] {
        assert_eq!(send(two.upload(keys, NAMES[2], byte)).await.status, 200);
        assert_eq!(two.read(keys, NAMES[0]).await, (200, Some(byte)));
        assert_eq!(two.read(keys, NAMES[2]).await, (200, Some(byte)));
    }
    assert_eq!(two.vault.vault.notices.list().await.unwrap(), []);
}

/// As after a restored backup: the row says one thing, and another account's recording lies there.
#[tokio::test]
async fn what_lies_there_and_is_not_what_the_row_says_is_not_replaced() {
    let two = Two::open().await;
    let file = two.folder("recordings").join("dir").join(NAMES[0]);
    std::fs::write(&file, "another's, of another length").unwrap();
    for byte in [b'a', b'b'] {
        send(two.upload(SITE_A, NAMES[0], byte)).await.refused_with(409, "file_exists_at_provider");
        assert_eq!(std::fs::read(&file).unwrap(), b"another's, of another length");
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(send(two.upload(SITE_A, NAMES[0], b'b')).await.status, 200);
    assert_eq!(two.read(SITE_A, NAMES[0]).await, (200, Some(b'b')));
}
