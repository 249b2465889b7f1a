//! A file system for SQLite that fails on demand, on top of the machine's own.
//!
//! SQLite reaches its files through a table of functions. This one counts the calls that need the disk, fails those in
//! the plan, and passes the rest on to the table that SQLite would have used. A failed write leaves half of its bytes
//! behind, like a disk that fills up.

#![expect(unsafe_code, reason = "SQLite's interface for file systems is C")]

use crate::faults::{DiskError, Faults, File, Operation};
use crate::platter::Platter;
use libsqlite3_sys as sqlite;
use sqlite::{sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Our part of an open file; the machine's own follows in the same block of memory, which SQLite allocates and frees.
/// Aligned as SQLite aligns such blocks.
#[repr(C, align(8))]
struct Open {
    /// The part SQLite sees.
    base: sqlite3_file,
    /// `None` for temporary files, which never fail.
    kind: Option<File>,
    faults: *const Faults,
    /// SQLite keeps it valid while the file is open.
    name: *const c_char,
}

/// Registers a file system until the process ends; returns its faults and its name, for `sqlite://…?vfs=NAME`.
pub fn register() -> (Arc<Faults>, String) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = format!("torture-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let faults = Arc::new(Faults::default());
    let z_name = CString::new(name.clone()).expect("no NUL in it");
    // SAFETY: asked for the default file system, SQLite answers one that lives as long as the process. Ours is a copy of its
    // table, leaked like everything it points to, so that it lives as long too.
    unsafe {
        let real = sqlite::sqlite3_vfs_find(std::ptr::null());
        let own = c_int::try_from(size_of::<Open>()).expect("a small structure");
        let vfs = Box::leak(Box::new(sqlite3_vfs {
            szOsFile: own + (*real).szOsFile,
            pNext: std::ptr::null_mut(),
            zName: z_name.into_raw(),
            pAppData: Box::into_raw(Box::new(Below { real, faults: Arc::into_raw(faults.clone()) })).cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            ..*real
        }));
        let registered = sqlite::sqlite3_vfs_register(vfs, 0);
        assert_eq!(registered, sqlite::SQLITE_OK, "SQLite takes another file system");
    }
    (faults, name)
}

/// What our file system is built on.
struct Below {
    real: *mut sqlite3_vfs,
    faults: *const Faults,
}

/// # Safety
/// `vfs` must be one that [`register`] made.
unsafe fn below<'a>(vfs: *mut sqlite3_vfs) -> &'a Below {
    // SAFETY: `register` put it there and never takes it back.
    unsafe { &*(*vfs).pAppData.cast::<Below>() }
}

/// # Safety
/// As SQLite calls it: a file system of ours, and room for `szOsFile` bytes at `file`.
unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let kind = match flags {
        f if f & sqlite::SQLITE_OPEN_MAIN_DB != 0 => Some(File::Main),
        f if f & sqlite::SQLITE_OPEN_WAL != 0 => Some(File::Wal),
        f if f & sqlite::SQLITE_OPEN_MAIN_JOURNAL != 0 => Some(File::Journal),
        _ => None,
    };
    // SAFETY: the block is as large as `register` asked for, so the machine's own file fits behind ours; the other arguments
    // are SQLite's, passed on as they came.
    unsafe {
        let below = below(vfs);
        let ours = file.cast::<Open>();
        ours.write(Open { base: sqlite3_file { pMethods: std::ptr::null() }, kind, faults: below.faults, name });
        if let Some(kind) = kind
            && (*below.faults).strike(kind, Operation::Open).is_some()
        {
            return sqlite::SQLITE_CANTOPEN;
        }
        let opened =
            (*below.real).xOpen.expect("every file system opens")(below.real, name, real(file), flags, out_flags);
        // SQLite's own rule: a file with methods is closed later, even if it did not open well.
        if !(*real(file)).pMethods.is_null() {
            (*ours).base.pMethods = &METHODS;
        }
        opened
    }
}

/// The machine's own file behind one of ours.
///
/// # Safety
/// `file` must point to a block that [`open`] was given.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the block goes on behind our part of it.
    unsafe { file.cast::<Open>().add(1).cast() }
}

/// The path in one of SQLite's names.
///
/// # Safety
/// `name` must come from SQLite, and outlive the result.
unsafe fn path<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: SQLite ends its names with NUL.
    unsafe { Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())) }
}

/// Reports what was done to an open file, if it is one of the database's.
///
/// # Safety
/// `file` must be one that [`open`] filled in.
unsafe fn note(file: *mut sqlite3_file, what: impl FnOnce(&Platter, &Path)) {
    // SAFETY: `open` filled it in, a file system's faults live as long as the process, and names as long as their file.
    unsafe {
        let ours = &*file.cast::<Open>();
        if ours.kind.is_some() {
            what(&(*ours.faults).platter, path(ours.name));
        }
    }
}

/// Whether this operation on an open file fails, and how.
///
/// # Safety
/// `file` must be one that [`open`] filled in.
unsafe fn strike(file: *mut sqlite3_file, operation: Operation) -> Option<DiskError> {
    // SAFETY: `open` filled it in, and a file system's faults live as long as the process.
    unsafe {
        let ours = &*file.cast::<Open>();
        ours.kind.and_then(|kind| (*ours.faults).strike(kind, operation))
    }
}

macro_rules! hand_down {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*) $(-> $answer:ty)?;)*) => {$(
        /// # Safety
        /// As SQLite calls it: an open file of ours.
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) $(-> $answer)? {
            // SAFETY: the machine's own file lies behind ours and was opened with it; arguments are passed on as they came.
            unsafe {
                let real = real(file);
                (*(*real).pMethods).$method.expect("files on disk have all methods")(real, $($argument),*)
            }
        }
    )*};
}

hand_down! {
    close = xClose() -> c_int;
    read = xRead(to: *mut c_void, count: c_int, offset: sqlite3_int64) -> c_int;
    write_down = xWrite(from: *const c_void, count: c_int, offset: sqlite3_int64) -> c_int;
    truncate_down = xTruncate(size: sqlite3_int64) -> c_int;
    sync_down = xSync(flags: c_int) -> c_int;
    file_size = xFileSize(size: *mut sqlite3_int64) -> c_int;
    lock = xLock(level: c_int) -> c_int;
    unlock = xUnlock(level: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(answer: *mut c_int) -> c_int;
    file_control = xFileControl(what: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_map_down = xShmMap(region: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int;
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int;
}

/// # Safety
/// As SQLite calls it: an open file of ours, and `count` bytes at `from`.
unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, count: c_int, offset: sqlite3_int64) -> c_int {
    // SAFETY: passed on as it came, or the first half of it.
    unsafe {
        let Some(trouble) = strike(file, Operation::Write) else {
            let written = write_down(file, from, count, offset);
            note_write(file, from, count, offset);
            return written;
        };
        write_down(file, from, count / 2, offset);
        note_write(file, from, count / 2, offset);
        match trouble {
            DiskError::Full => sqlite::SQLITE_FULL,
            DiskError::Broken => sqlite::SQLITE_IOERR_WRITE,
        }
    }
}

/// # Safety
/// As `write`.
unsafe fn note_write(file: *mut sqlite3_file, from: *const c_void, count: c_int, offset: sqlite3_int64) {
    // SAFETY: SQLite has so many bytes there.
    unsafe {
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), length(count));
        note(file, |platter, path| platter.write(path, length(offset), bytes));
    }
}

/// Sizes and offsets are never negative.
fn length(of: impl TryInto<usize>) -> usize {
    of.try_into().unwrap_or(0)
}

/// # Safety
/// As SQLite calls it: an open file of ours.
unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        match strike(file, Operation::Truncate) {
            Some(_) => sqlite::SQLITE_IOERR_TRUNCATE,
            None => {
                note(file, |platter, path| platter.truncate(path, length(size)));
                truncate_down(file, size)
            }
        }
    }
}

/// # Safety
/// As SQLite calls it: an open file of ours.
unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        match strike(file, Operation::Sync) {
            Some(_) => {
                note(file, |platter, path| platter.sync(path, false));
                sqlite::SQLITE_IOERR_FSYNC
            }
            None => {
                let synced = sync_down(file, flags);
                note(file, |platter, path| platter.sync(path, synced == sqlite::SQLITE_OK));
                synced
            }
        }
    }
}

/// # Safety
/// As SQLite calls it: an open file of ours, and room for an address at `at`.
unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    at: *mut *mut c_void,
) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        if extend != 0 && strike(file, Operation::Share).is_some() {
            return sqlite::SQLITE_IOERR_SHMSIZE;
        }
        shm_map_down(file, region, size, extend, at)
    }
}

/// # Safety
/// As SQLite calls it: a file system of ours.
unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let Below { real, faults } = *below(vfs);
        (*faults).platter.delete(path(name));
        (*real).xDelete.expect("every file system deletes")(real, name, sync_dir)
    }
}

/// # Safety
/// As SQLite calls it: a file system of ours.
unsafe extern "C" fn access(vfs: *mut sqlite3_vfs, name: *const c_char, flags: c_int, answer: *mut c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let real = below(vfs).real;
        (*real).xAccess.expect("every file system tells what is there")(real, name, flags, answer)
    }
}

/// # Safety
/// As SQLite calls it: a file system of ours, and room for `count` bytes at `out`.
unsafe extern "C" fn full_pathname(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    count: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let real = below(vfs).real;
        (*real).xFullPathname.expect("every file system completes paths")(real, name, count, out)
    }
}

/// Version 2: without memory-mapped reading, which SQLite does not use unless told to.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
