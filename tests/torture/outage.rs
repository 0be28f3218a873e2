//! Power cuts on real files: a process writes through the kernel to a file system that
//! forgets what was not synced (promises P1, P2, P4, P5; test T5).

use super::batches::Rows;
use super::child;
use super::forgetful::{Disk, Loss, ROOT};
use super::model::{self, LEVELS, Told};
use super::mounted::Mounted;
use super::tally::{Dice, Run, Trouble, Verdict};
use vdb::Durability;
use vdb::storage::OsStorage;

const UNIVERSE: u64 = 300;
/// Lives of one disk: each ends with a power cut and the next goes on with what is left.
const LIVES: usize = 5;
/// What each power cut is imagined to have left, for each kind of loss.
const IMAGES: usize = 3;

pub fn power_cuts_on_files(run: &Run) {
    let place = tempfile::tempdir().expect("a temporary directory can be made");
    if let Err(e) = Mounted::on(place.path(), Disk::new(Dice::new(0))) {
        return println!("skipped: power cuts on real files: cannot mount a FUSE file system: {e}");
    }
    run.rounds(|dice| {
        let (mut disk, mut rows) = (Disk::new(dice.clone()), Rows::new());
        for _ in 0..LIVES {
            (disk, rows) = one_life(dice, disk, rows)?;
        }
        Ok((LIVES * IMAGES * Loss::ALL.len()) as u64)
    });
}

/// A process writes until the power goes. Returns one of the disks that this may leave,
/// and the rows on it.
fn one_life(dice: &mut Dice, mut disk: Disk, before: Rows) -> Verdict<(Disk, Rows)> {
    // Half of the lives at the level that promises most; the first calls are recovery.
    let level = if dice.one_in(2) { Durability::Full } else { dice.pick(&LEVELS) };
    let (seed, most) = (dice.number(), dice.pick(&[20, 200, 200, 200]));
    let calls = dice.below(most);
    disk.cut_after(calls);
    let named = |e: super::tally::Finding| e.at(format!("{level:?}, cut after {calls} calls"));
    let (lived, disk) = written_on(disk, seed, level).map_err(named)?;
    let mut told = Told::from(before);
    told.tell(seed, lived, level, UNIVERSE);

    let mut left = Vec::new();
    for loss in Loss::ALL.into_iter().flat_map(|loss| [loss; IMAGES]) {
        let image = disk.after_power_cut(loss, dice);
        let rows = survives(&image, &told).map_err(|e| named(e.at(format!("{loss:?}"))))?;
        left.push((image, rows));
    }
    Ok(left.swap_remove(dice.below(left.len())))
}

/// Lets a process write on the mounted disk until that fails. Returns how many operations
/// it began and ended, and the disk as it was when the power went.
fn written_on(disk: Disk, seed: u64, level: Durability) -> Verdict<((usize, usize), Disk)> {
    let place = tempfile::tempdir().map_err(|e| Trouble::Unreadable.because(e))?;
    let mounted = Mounted::on(place.path(), disk).map_err(|e| Trouble::Unreadable.because(e))?;
    let writer = child::start_writer(&place.path().join("db"), seed, level, UNIVERSE);
    let lived = child::listen(writer, |_| None);
    // The error it met made it panic; any other end is not its own doing.
    match lived.status.code() {
        Some(101) if lived.errors.contains("os_error: Some(5)") => Ok((lived.operations, mounted.disk())),
        _ => Err(Trouble::Crash.because(format!("the writer ended with {}: {}", lived.status, lived.errors))),
    }
}

fn survives(image: &Disk, told: &Told) -> Verdict<Rows> {
    let place = tempfile::tempdir().map_err(|e| Trouble::Unreadable.because(e))?;
    image.copy_to(ROOT, place.path()).map_err(|e| Trouble::Unreadable.because(e))?;
    let open = || model::open(OsStorage::open(place.path().join("db"), true, true)?, Durability::Full);
    model::survives(open, UNIVERSE, told, told.durable)
}
