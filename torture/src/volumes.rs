//! Small file systems in memory that fill up. Mounting needs privileges: a test that mounts runs once more in a
//! namespace of its own, where its mounts are nobody else's and end with it.

use crate::knobs::variable;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for the run that may mount.
const INSIDE: &str = "TORTURE_INSIDE";
/// A mount namespace, as root, or as a user who becomes root in it.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
/// Step in which a volume is filled, in bytes: a page, as used by such file systems.
const GRAIN: usize = 4096;

/// Whether this run may mount. If not, runs the named test where it may, and fails if that fails.
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

/// A volume of a given size, shared by some folders of a world.
#[derive(Debug)]
pub struct Volume(PathBuf);

impl Volume {
    /// Mounts one below a world's folder, and puts these folders (relative to it) on it.
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

    /// Uses up all of its room except `but` bytes.
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
        // A volume without room for another name is full already.
        if let Err(error) = write() {
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
        }
    }

    /// Frees that room.
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
