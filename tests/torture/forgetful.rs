//! A file system in memory that keeps what was synced apart from what was not, and what
//! it leaves when the power goes (test T5 of the crash tests).
//!
//! It knows nothing of databases and shares no code with the simulated disk inside the
//! library: it hears what the kernel hears. Nodes are never forgotten, so a file that
//! lost its name can still be written by who has it open, as on a real disk.

use super::tally::Dice;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

pub const ROOT: u64 = 1;
const SECTOR: usize = 512;
const PAGE: usize = 4096;

pub type Names = BTreeMap<OsString, u64>;
/// A result or an error number of the system.
pub type Answer<T = ()> = Result<T, i32>;

/// How a power cut treats what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it is gone.
    Strict,
    /// Names and lengths are there, the bytes behind them are zeros.
    MetadataOnly,
    /// Any names; any sectors or pages of the new bytes, the others old, zero or rubbish.
    Torn,
}

impl Loss {
    pub const ALL: [Loss; 3] = [Loss::Strict, Loss::MetadataOnly, Loss::Torn];
}

/// What processes see, and what a power cut cannot take.
#[derive(Clone, Debug, Default)]
pub struct Kept<T> {
    pub now: T,
    durable: T,
}

#[derive(Clone, Debug)]
pub enum Node {
    File(Kept<Vec<u8>>),
    Directory(Kept<Names>),
}

#[derive(Clone)]
pub struct Disk {
    nodes: BTreeMap<u64, Node>,
    /// Changes and syncs until the power goes.
    left: usize,
    /// Picks the writes of which only a part is taken, as a caller must expect.
    short_writes: Dice,
}

impl Disk {
    pub fn new(short_writes: Dice) -> Disk {
        Disk { nodes: BTreeMap::from([(ROOT, Node::Directory(Kept::default()))]), left: usize::MAX, short_writes }
    }

    /// Lets the power go after `calls` more changes and syncs: all later ones fail, and
    /// of the last, when it is a write, half of the bytes are left.
    pub fn cut_after(&mut self, calls: usize) {
        self.left = calls;
    }

    pub fn node(&self, number: u64) -> Answer<&Node> {
        self.nodes.get(&number).ok_or(libc::ENOENT)
    }

    pub fn find(&self, parent: u64, name: &OsStr) -> Answer<u64> {
        self.names(parent)?.get(name).copied().ok_or(libc::ENOENT)
    }

    pub fn names(&self, directory: u64) -> Answer<&Names> {
        match self.node(directory)? {
            Node::Directory(names) => Ok(&names.now),
            Node::File(_) => Err(libc::ENOTDIR),
        }
    }

    pub fn bytes(&self, file: u64) -> Answer<&[u8]> {
        match self.node(file)? {
            Node::File(bytes) => Ok(&bytes.now),
            Node::Directory(_) => Err(libc::EISDIR),
        }
    }

    /// Adds an empty file or directory.
    pub fn add(&mut self, parent: u64, name: &OsStr, node: Node) -> Answer<u64> {
        self.begin()?;
        let number = self.nodes.len() as u64 + ROOT;
        match self.names_mut(parent)?.entry(name.into()) {
            std::collections::btree_map::Entry::Occupied(_) => return Err(libc::EEXIST),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(number),
        };
        self.nodes.insert(number, node);
        Ok(number)
    }

    pub fn remove(&mut self, parent: u64, name: &OsStr) -> Answer {
        self.begin()?;
        self.names_mut(parent)?.remove(name).map(drop).ok_or(libc::ENOENT)
    }

    pub fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Answer {
        self.begin()?;
        let number = self.names_mut(from.0)?.remove(from.1).ok_or(libc::ENOENT)?;
        self.names_mut(to.0)?.insert(to.1.into(), number);
        Ok(())
    }

    /// Returns how many of the bytes were taken, which may be fewer than there are.
    pub fn write(&mut self, file: u64, offset: usize, bytes: &[u8]) -> Answer<usize> {
        self.begin()?;
        let cut = self.left == 0;
        let short = cut || bytes.len() > 1 && self.short_writes.one_in(8);
        let taken = if short { bytes.len() / 2 } else { bytes.len() };
        let now = self.bytes_mut(file)?;
        now.resize(now.len().max(offset + taken), 0);
        now[offset..offset + taken].copy_from_slice(&bytes[..taken]);
        if cut { Err(libc::EIO) } else { Ok(taken) }
    }

    pub fn set_len(&mut self, file: u64, len: usize) -> Answer {
        self.begin()?;
        self.bytes_mut(file)?.resize(len, 0);
        Ok(())
    }

    /// Makes the bytes of a file, or the names in a directory, durable: not both.
    pub fn sync(&mut self, number: u64) -> Answer {
        self.begin()?;
        match self.nodes.get_mut(&number).ok_or(libc::ENOENT)? {
            Node::File(bytes) => bytes.durable = bytes.now.clone(),
            Node::Directory(names) => names.durable = names.now.clone(),
        }
        Ok(())
    }

    fn begin(&mut self) -> Answer {
        self.left = self.left.checked_sub(1).ok_or(libc::EIO)?;
        Ok(())
    }

    fn names_mut(&mut self, directory: u64) -> Answer<&mut Names> {
        match self.nodes.get_mut(&directory).ok_or(libc::ENOENT)? {
            Node::Directory(names) => Ok(&mut names.now),
            Node::File(_) => Err(libc::ENOTDIR),
        }
    }

    fn bytes_mut(&mut self, file: u64) -> Answer<&mut Vec<u8>> {
        match self.nodes.get_mut(&file).ok_or(libc::ENOENT)? {
            Node::File(bytes) => Ok(&mut bytes.now),
            Node::Directory(_) => Err(libc::EISDIR),
        }
    }

    /// The disk that is found when the power comes back.
    pub fn after_power_cut(&self, loss: Loss, dice: &mut Dice) -> Disk {
        let survive = |(number, node): (&u64, &Node)| {
            let node = match node {
                Node::File(bytes) => Node::File(settled(surviving_bytes(bytes, loss, dice))),
                Node::Directory(names) => Node::Directory(settled(surviving_names(names, loss, dice))),
            };
            (*number, node)
        };
        let nodes = self.nodes.iter().map(survive).collect();
        Disk { nodes, left: usize::MAX, short_writes: dice.clone() }
    }

    /// Writes the contents of `directory` into a directory of the machine.
    pub fn copy_to(&self, directory: u64, path: &Path) -> std::io::Result<()> {
        let Ok(names) = self.names(directory) else { return Err(std::io::ErrorKind::NotADirectory.into()) };
        for (name, number) in names {
            match self.nodes.get(number) {
                Some(Node::File(bytes)) => std::fs::write(path.join(name), &bytes.now)?,
                _ => {
                    std::fs::create_dir(path.join(name))?;
                    self.copy_to(*number, &path.join(name))?;
                }
            }
        }
        Ok(())
    }
}

fn settled<T: Clone>(now: T) -> Kept<T> {
    Kept { durable: now.clone(), now }
}

/// Each name by itself: what a rename did may be there in part.
fn surviving_names(names: &Kept<Names>, loss: Loss, dice: &mut Dice) -> Names {
    match loss {
        Loss::Strict => names.durable.clone(),
        Loss::MetadataOnly => names.now.clone(),
        Loss::Torn => {
            let mut left = names.durable.clone();
            for name in names.now.keys().chain(names.durable.keys()).filter(|_| dice.one_in(2)) {
                match names.now.get(name) {
                    Some(number) => left.insert(name.clone(), *number),
                    None => left.remove(name),
                };
            }
            left
        }
    }
}

fn surviving_bytes(bytes: &Kept<Vec<u8>>, loss: Loss, dice: &mut Dice) -> Vec<u8> {
    let mut left = bytes.durable.clone();
    match loss {
        Loss::Strict => {}
        Loss::MetadataOnly => left.resize(bytes.now.len(), 0),
        Loss::Torn => {
            if dice.one_in(4) {
                left.truncate(bytes.now.len());
            }
            let unit = dice.pick(&[SECTOR, PAGE]);
            for (i, new) in bytes.now.chunks(unit).enumerate() {
                tear(&mut left, i * unit, new, bytes.durable.len(), dice);
            }
        }
    }
    left
}

/// Leaves `new` at `at`, or what was there, or, where nothing durable was, rubbish.
fn tear(left: &mut Vec<u8>, at: usize, new: &[u8], durable: usize, dice: &mut Dice) {
    let old = left.get(at..at + new.len());
    if old == Some(new) || dice.one_in(2) {
        return;
    }
    left.resize(left.len().max(at + new.len()), 0);
    let place = &mut left[at..at + new.len()];
    if at >= durable && dice.one_in(4) {
        place.fill_with(|| dice.number() as u8);
    } else {
        place.copy_from_slice(new);
    }
}
