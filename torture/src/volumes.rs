//! Small file systems in memory that fill up. Mounting asks for rights: a test that needs some runs once more in a place of
//! its own, where its mounts are nobody else's and end with it.

use crate::knobs::variable;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for the run that may mount.
const INSIDE: &str = "TORTURE_INSIDE";
/// Mounts of its own as root; or as a user who is root in there.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
/// How finely a volume is filled, in bytes: a page, of which such file systems are made.
const GRAIN: usize = 4096;

/// Whether this run may mount. If not, runs the test of this name where it may, and fails as it does.
pub fn inside(test: &str) -> bool {
    if variable(INSIDE).is_some() {
        return true;
    }
    let works = |way: &&[&str]| {
        let tried = Command::new("unshare").args(*way).args(["mount", "-t", "tmpfs", "torture", "/mnt"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let way = WAYS.into_iter().find(works).expect(
        "nothing can be mounted here: run this as root, or on a system whose users may have namespaces of their own \
         (`unshare --user --map-root-user --mount true` must work)",
    );
    let process = std::env::current_exe().expect("the test's own file");
    let mut again = Command::new("timeout");
    again.args(["3600", "unshare"]).args(way).arg(process).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = again.output().expect("a test can be run once more");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&said));
    false
}

/// A volume of a given size that some folders of a world share.
#[derive(Debug)]
pub struct Volume(PathBuf);

impl Volume {
    /// Mounts one below a world's folder and has these folders, named from there, lie on it.
    pub fn new(root: &Path, bytes: u64, folders: &[&str]) -> Self {
        let volume = root.join("volume");
        std::fs::create_dir_all(&volume).expect("a folder to mount at");
        mount(&["-t", "tmpfs", "-o", &format!("size={bytes},mode=0700"), "torture"], &volume);
        for (number, folder) in folders.iter().enumerate() {
            let (on_volume, folder) = (volume.join(number.to_string()), root.join(folder));
            for folder in [&on_volume, &folder] {
                std::fs::create_dir_all(folder).expect("a folder to mount at");
            }
            mount(&["--bind", &on_volume.display().to_string()], &folder);
        }
        Self(volume)
    }

    /// Takes all its room but so many bytes.
    pub fn fill(&self, but: u64) {
        let write = || -> io::Result<u64> {
            let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
            for grain in [256 * GRAIN, GRAIN] {
                let block = vec![7; grain];
                while ballast.write_all(&block).is_ok() {}
            }
            let size = ballast.metadata()?.len();
            ballast.set_len(size.saturating_sub(but))?;
            Ok(size)
        };
        // A volume without room for one more name is full already.
        if let Err(error) = write() {
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
        }
    }

    /// Gives it back.
    pub fn free(&self) {
        match std::fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("the ballast stays: {error}"),
            _ => {}
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

fn mount(what: &[&str], at: &Path) {
    let mounted = Command::new("mount").args(what).arg(at).output().expect("there is a mount command");
    assert!(mounted.status.success(), "{}: {}", at.display(), String::from_utf8_lossy(&mounted.stderr));
}
