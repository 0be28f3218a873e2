//! The forgetful disk as a directory of the machine, through FUSE: the kernel passes on
//! the calls that a process really makes.

use super::forgetful::{Answer, Disk, Kept, Node, ROOT};
use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A mounted disk; unmounted when dropped.
pub struct Mounted {
    disk: Arc<Mutex<Disk>>,
    _session: BackgroundSession,
}

impl Mounted {
    /// Mounts `disk` on the directory `path`.
    pub fn on(path: &Path, disk: Disk) -> std::io::Result<Mounted> {
        let disk = Arc::new(Mutex::new(disk));
        let session = fuser::spawn_mount(Served(disk.clone()), path, &Config::default())?;
        Ok(Mounted { disk, _session: session })
    }

    /// The disk as it is now.
    pub fn disk(&self) -> Disk {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Served(Arc<Mutex<Disk>>);

/// Nothing may be answered from memory of the kernel but the bytes it wrote itself.
const FORGET_AT_ONCE: Duration = Duration::ZERO;

fn errno(error: i32) -> Errno {
    Errno::from_i32(error)
}

fn attributes(disk: &Disk, number: u64) -> Answer<FileAttr> {
    let (kind, perm, size) = match disk.node(number)? {
        Node::File(bytes) => (FileType::RegularFile, 0o600, bytes.now.len() as u64),
        Node::Directory(_) => (FileType::Directory, 0o700, 0),
    };
    let time = SystemTime::UNIX_EPOCH;
    Ok(FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: time,
        mtime: time,
        ctime: time,
        crtime: time,
        kind,
        perm,
        nlink: 1,
        // SAFETY: these two calls cannot fail and touch no memory.
        uid: unsafe { libc::getuid() },
        // SAFETY: as above.
        gid: unsafe { libc::getgid() },
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

impl Served {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(found: Answer<FileAttr>, reply: ReplyEntry) {
    match found {
        Ok(attributes) => reply.entry(&FORGET_AT_ONCE, &attributes, Generation(0)),
        Err(error) => reply.error(errno(error)),
    }
}

fn empty(done: Answer, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(error)),
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = self.disk();
        entry(disk.find(parent.0, name).and_then(|number| attributes(&disk, number)), reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match attributes(&self.disk(), number.0) {
            Ok(attributes) => reply.attr(&FORGET_AT_ONCE, &attributes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let done = size.map_or(Ok(()), |size| disk.set_len(number.0, size as usize));
        match done.and_then(|()| attributes(&disk, number.0)) {
            Ok(attributes) => reply.attr(&FORGET_AT_ONCE, &attributes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let mut disk = self.disk();
        let made = disk.add(parent.0, name, Node::Directory(Kept::default()));
        entry(made.and_then(|number| attributes(&disk, number)), reply);
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        let mut disk = self.disk();
        let made = disk.add(parent.0, name, Node::File(Kept::default()));
        match made.and_then(|number| attributes(&disk, number)) {
            Ok(attributes) => {
                reply.created(&FORGET_AT_ONCE, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.disk().remove(parent.0, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        empty(self.disk().rename((parent.0, name), (new_parent.0, new_name)), reply);
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.disk().bytes(number.0) {
            Ok(bytes) => {
                let rest = bytes.get(offset as usize..).unwrap_or_default();
                reply.data(&rest[..rest.len().min(size as usize)]);
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.disk().write(number.0, offset as usize, bytes) {
            Ok(taken) => reply.written(taken as u32),
            Err(error) => reply.error(errno(error)),
        }
    }

    /// Closing makes nothing durable.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(self.disk().sync(number.0), reply);
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(self.disk().sync(number.0), reply);
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let disk = self.disk();
        let names = match disk.names(number.0) {
            Ok(names) => names,
            Err(error) => return reply.error(errno(error)),
        };
        let dots = [(OsStr::new("."), number.0), (OsStr::new(".."), ROOT)];
        let all = dots.into_iter().chain(names.iter().map(|(name, number)| (name.as_os_str(), *number)));
        for (at, (name, number)) in all.enumerate().skip(offset as usize) {
            let kind = attributes(&disk, number).map_or(FileType::RegularFile, |attributes| attributes.kind);
            // The offset names the entry after this one.
            if reply.add(INodeNo(number), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }
}
