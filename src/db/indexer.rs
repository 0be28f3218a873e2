//! Graph work behind the writers' backs: extend the graph over the tail, take
//! dead nodes out of it, and hand over to compaction and to residence.
//!
//! Each step makes the next [`Index`] beside the present one and swaps it in.
//! Where a step ends depends on slot numbers alone, never on when the thread
//! happened to run, so that the same rows give the same graph, byte for byte.

use super::calibration;
use super::column::Column;
use super::commit::broken;
use super::compact;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::log::Frequent;
use super::memory;
use super::options::Quant;
use super::resident;
use super::view::{Index, View};
use crate::arena::{Lease, release_freed_memory};
use crate::index::{BuildError, Ground, Progress, Walked};
use crate::kernel;
use crate::quant::{Codec, Gate, Kind};
use crate::util::memory::{filled, resize, with_room};
use crate::util::sync::lock;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, MutexGuard, OnceLock};
use std::time::Instant;

/// The graph is extended when the tail has grown to a sixteenth of it: small
/// enough to scan, large enough to pay for copying the links (128 B a row).
const TAIL_SHARE: u32 = 16;
const TAIL_MIN: u32 = 1024;
const TAIL_MAX: u32 = 16 << 10;
/// From some size on the copy would cost more than the rows it is for.
const TAIL_FLOOR_SHARE: u32 = 64;
/// Codes are trained again when the rows are eight times as many.
const RETRAIN_GROWTH: u32 = 8;
/// Rows that training looks at, spread evenly.
const TRAIN_ROWS: u32 = 16 << 10;
/// Bytes of them, and the part of a limit on memory they may be.
const TRAIN_BYTES: usize = 64 << 20;
const TRAIN_SHARE: u64 = 16;
/// Slots behind which vectors are given up, or chunks (where these are smaller than any but tests make
/// them): fewer would not tell the codec what rows are like.
const GIVE_UP_SLOTS: u32 = 4096;
const GIVE_UP_CHUNKS: u32 = 8;
/// Fewer tombstones than this are not worth a step.
const DEAD_MIN: u64 = 32;

/// What only graph work touches.
#[derive(Default)]
pub struct IndexState {
    /// The codes, continued from step to step.
    pub codes: Option<Column>,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Link the slots below `upto`.
    Extend { upto: u32 },
    /// Take dead nodes out of the graph.
    Consolidate,
    /// Rewrite chunks that are mostly dead.
    Compact,
    /// Copy what searches walk into memory.
    Load,
}

/// What is to be done for `view`, if anything. `all` = also rows that could
/// wait until there are more of them.
pub fn next_step(core: &Core, view: &View, all: bool) -> Option<Step> {
    let graph = &view.index.graph;
    let dead_nodes = view.dead_nodes();
    if dead_nodes >= DEAD_MIN && dead_nodes as f64 > core.settings.consolidate_ratio * graph.nodes() as f64 {
        return Some(Step::Consolidate);
    }
    if compact::candidate(core, view).is_some() {
        return Some(Step::Compact);
    }
    extension(core, view, all).or_else(|| resident::is_due(core, view).then_some(Step::Load))
}

/// The step that links more of the tail, if there is enough of it.
pub fn extension(core: &Core, view: &View, all: bool) -> Option<Step> {
    let (covered, end) = (view.index.graph.len(), view.end());
    if covered == end || (covered == 0 && view.live() < core.settings.graph_min_rows) {
        return None;
    }
    let goal = milestone(covered, core.settings.graph_min_rows);
    if end >= goal {
        return Some(Step::Extend { upto: goal });
    }
    (all && view.unindexed() > 0).then_some(Step::Extend { upto: end })
}

/// Where the graph over slots `0..covered` is extended to next.
fn milestone(covered: u32, graph_min_rows: u64) -> u32 {
    if covered == 0 {
        return graph_min_rows.clamp(1, u32::MAX as u64 / 2) as u32;
    }
    let most = TAIL_MAX.max(covered / TAIL_FLOOR_SHARE);
    covered.saturating_add((covered / TAIL_SHARE).clamp(TAIL_MIN, most))
}

/// The indexer's work, and a line in the log where it does not get on.
pub fn work(core: &Core, all: bool) -> Result<()> {
    let done = do_steps(core, all);
    if let Err(error) = &done {
        let what = if error.is_over_budget() { "put_off" } else { "failed" };
        let line = format_args!("graph_work_{what} why={:?}", error.message());
        core.log.warn_now_and_then(Frequent::GraphWork, line);
    }
    done
}

/// Step after step until there is nothing to do. `all` goes for the rows there are at some moment, not for all
/// that writers add meanwhile.
fn do_steps(core: &Core, mut all: bool) -> Result<()> {
    let mut state = lock_state(core);
    let (mut steps, mut relieved) = (0, false);
    while !core.is_closing() {
        let view = core.view.load_full();
        let Some(step) = next_step(core, &view, all) else {
            audit(&view);
            if steps > 0 {
                release_freed_memory();
            }
            return core.check_faults();
        };
        steps += 1;
        let done = match step {
            Step::Extend { upto } => extend(core, &mut state, &view, upto),
            Step::Consolidate => consolidate(core, &view),
            Step::Compact => compact::compact(core, &mut state, &view),
            Step::Load => resident::load(core, &mut state, &view),
        };
        if let Err(error) = done {
            // The codes may be ahead of the index, or made by a codec that it never got.
            state.codes = None;
            drop(view);
            if error.is_over_budget() {
                // What stands in the way of a checkpoint is told to those who ask for one.
                if !std::mem::replace(&mut relieved, true)
                    && memory::relieve_for_step(core, &mut state).is_ok_and(|r| r)
                {
                    continue;
                }
                core.put_off.note(core.budget.room());
            }
            return if error.kind() == ErrorKind::Cancelled { Ok(()) } else { Err(error) };
        }
        relieved = false;
        core.put_off.clear();
        // Counts in a forged file may ask for a step for ever.
        if step != Step::Load && extent(&core.view.load()) == extent(&view) {
            return fail(
                ErrorKind::Internal,
                format!("{step:?} changed nothing; the graph may be damaged: see vdb_check"),
            );
        }
        all &= step != Step::Extend { upto: view.end() };
        drop(state);
        state = lock_state(core);
    }
    Ok(())
}

/// Holds graph work back, or waits for the step under way. In turn: a mutex alone would go to the
/// next step, whose thread is awake.
pub fn lock_state(core: &Core) -> MutexGuard<'_, IndexState> {
    let _turn = lock(&core.index_turn);
    core.index.lock().unwrap_or_else(|poisoned| {
        // A panic in a step may have left codes without rows behind.
        core.index.clear_poison();
        let mut state = poisoned.into_inner();
        state.codes = None;
        state
    })
}

/// Notes how many nodes the walk cannot reach; some later time where there is no memory to find out.
fn audit(view: &View) {
    if view.index.unreachable.get().is_none()
        && let Ok(report) = view.index.graph.check()
    {
        let _ = view.index.unreachable.set(report.unreachable);
    }
}

/// What every step changes: slots covered, nodes, slots in all, dead rows.
fn extent(view: &View) -> (u32, u32, u32, u64) {
    (view.index.graph.len(), view.index.graph.nodes(), view.end(), view.dead.count() - view.holes)
}

/// Ends a build when the database closes.
struct UntilClosing<'a>(&'a Core);

impl Progress for UntilClosing<'_> {
    fn advance(&self, _done: u64, _total: u64) -> bool {
        !self.0.is_closing()
    }
}

fn extend(core: &Core, state: &mut IndexState, view: &View, upto: u32) -> Result<()> {
    let mut index = next_index(view);
    let grown = index.trained == 0 || upto / RETRAIN_GROWTH >= index.trained;
    // The last codec is made of all rows there are before the first vector goes.
    let retrain = view.hollow == 0 && (grown || gives_up(core, upto));
    if let Some(kind) = core.settings.code_kind().filter(|_| retrain) {
        train(core, state, view, &mut index, kind, upto)?;
    }
    encode(core, state, view, &mut index, upto)?;
    let threads = threads(core)?;
    if calibration::is_due(&index)
        && let Some(measured) = calibration::measure(core, view, &index, upto, &threads)?
    {
        core.log.info(format_args!("calibrated nodes={}", measured.nodes));
        (index.calibration, index.linked) = (Some(Arc::new(measured)), 0);
    }
    // The codes of the new rows make a new space, everything else stays.
    let linked = index.link_space(&view.stored, core.shift, core.settings.drops_originals());
    let coded = index.space(&view.stored, core.shift);
    let query = |slot, out: &mut Vec<u8>| index.slot_code(&core.shape, view.stored.rows.get(slot), out);
    let walked = (!coded.kernel.form.is_symmetric()).then_some(Walked { space: &coded, query: &query });
    let key = |slot| view.id_of(slot);
    let nodes = index.graph.nodes();
    let ground = Ground { linked: &linked, walked };
    let next = index.graph.extend(ground, &key, upto, &view.dead, &threads, &UntilClosing(core));
    index.graph = next.map_err(built)?;
    index.linked += (index.graph.nodes() - nodes) as u64;
    install(core, index)
}

fn consolidate(core: &Core, view: &View) -> Result<()> {
    let (start, mut index) = (Instant::now(), next_index(view));
    let linked = index.link_space(&view.stored, core.shift, core.settings.drops_originals());
    index.graph = index.graph.consolidate(&linked, &view.dead, &threads(core)?, &UntilClosing(core)).map_err(built)?;
    let (before, nodes) = (view.index.graph.nodes(), index.graph.nodes());
    install(core, index)?;
    let us = start.elapsed().as_micros();
    core.log.info(format_args!("consolidate nodes={nodes} nodes_before={before} us={us}"));
    Ok(())
}

/// The present index, to be changed into the next one.
pub fn next_index(view: &View) -> Index {
    let present = &view.index;
    Index { version: present.version + 1, unreachable: OnceLock::new(), ..Index::clone(present) }
}

/// Swaps the index in, unless what it was made from turned out damaged.
fn install(core: &Core, index: Index) -> Result<()> {
    core.check_faults()?;
    index.check_whole(core.shift)?;
    let mut writer = core.writer.lock().map_err(|_| broken())?;
    writer.check_usable()?;
    if index.codec.is_some() && gives_up(core, index.graph.len()) {
        writer.hollow_out(index.graph.len())?;
    }
    writer.index = Arc::new(index);
    core.publish(&mut writer)
}

/// Whether there are chunks whose vectors can go once the graph covers slots `0..covered`. The files
/// and the log have those vectors until a checkpoint has their codes.
fn gives_up(core: &Core, covered: u32) -> bool {
    core.settings.drops_originals() && covered > GIVE_UP_SLOTS.min(GIVE_UP_CHUNKS << core.shift).max(1 << core.shift)
}

/// Threads for one step. The pool lives as long as the step, so an idle
/// database has no idle threads.
fn threads(core: &Core) -> Result<ThreadPool> {
    let name = |i| format!("vdb-build-{i}");
    let pool = ThreadPoolBuilder::new().num_threads(core.settings.threads as usize).thread_name(name).build();
    pool.map_err(|e| Error::new(ErrorKind::NoMemory, format!("cannot start build threads: {e}")))
}

/// Chooses codes from rows spread over slots `0..upto`. Codes that are there
/// already are kept while new ones would hardly differ.
fn train(core: &Core, state: &mut IndexState, view: &View, index: &mut Index, kind: Kind, upto: u32) -> Result<()> {
    index.trained = upto;
    let gate = if core.settings.quant == Quant::Auto { Gate::Measured } else { Gate::Open };
    let (sample, _working) = sample(core, view, upto)?;
    let Some(fresh) = Codec::train(kind, core.shape.metric, core.shape.dim, &sample, gate)? else {
        (index.codec, index.code_error, state.codes) = (None, None, None);
        index.codes.clear();
        if !core.settings.walks_vectors() {
            core.log.info(format_args!("codes_refused rows={upto} why=\"they would not rank these rows well\""));
        }
        return Ok(());
    };
    if index.codec.as_ref().is_none_or(|present| !present.is_close_to(&fresh)) {
        core.log.info(format_args!("codes_trained rows={upto} bytes_per_row={}", fresh.code_bytes()));
        (index.codec, index.code_error) = (Some(Arc::new(fresh)), Some(0.0));
        state.codes = None;
        index.codes.clear();
    }
    Ok(())
}

/// Up to [`TRAIN_ROWS`] live rows of slots `0..upto`, evenly spread, as f32; and
/// the memory that they and the training take.
fn sample(core: &Core, view: &View, upto: u32) -> Result<(Vec<f32>, Lease)> {
    let shape = &core.shape;
    if core.settings.walks_vectors() {
        return Ok((Vec::new(), Lease::new(&core.budget)));
    }
    let bytes = match core.settings.max_memory {
        0 => TRAIN_BYTES,
        limit => TRAIN_BYTES.min((limit / TRAIN_SHARE) as usize),
    };
    let most = (TRAIN_ROWS as usize).min(bytes / (4 * shape.dim)).max(1) as u32;
    let step = (upto / most).max(1);
    let values = (upto as usize).div_ceil(step as usize) * shape.dim;
    let working = core.budget.take(4 * values as u64 + Codec::training_bytes(values))?;
    let mut rows = with_room(values)?;
    for slot in (0..upto).step_by(step as usize).filter(|&slot| !view.dead.get(slot)) {
        if let Some(row) = view.stored.rows.get(slot) {
            let at = rows.len();
            resize(&mut rows, at + shape.dim, 0.0)?;
            kernel::widen(shape.scalar, row, &mut rows[at..]);
        }
    }
    Ok((rows, working))
}

/// Brings the codes up to slot `upto`.
fn encode(core: &Core, state: &mut IndexState, view: &View, index: &mut Index, upto: u32) -> Result<()> {
    let Some(codec) = index.codec.clone() else { return Ok(()) };
    let codes = match &mut state.codes {
        Some(codes) => codes,
        none => none.insert(Column::from_pieces(core.shift, codec.code_bytes(), index.codes.clone(), &core.budget)?),
    };
    let mut wide = filled(0.0, core.shape.dim)?;
    let first = codes.end();
    let count = upto.saturating_sub(first) as usize;
    let mut error = 0.0f64;
    codes.reserve(count)?;
    codes.append(count, |from, room| {
        for (i, code) in room.chunks_exact_mut(codec.code_bytes()).enumerate() {
            // Slots without a row (holes) keep whatever is there: nothing links to them.
            if let Some(row) = view.stored.rows.get(first + (from + i) as u32) {
                kernel::widen(core.shape.scalar, row, &mut wide);
                codec.encode_row(&mut wide, code);
                error = error.max(codec.error(&wide, code));
            }
        }
    });
    index.codes = codes.pieces();
    index.code_error = index.code_error.map(|known| known.max(error));
    Ok(())
}

/// A failed build as a public error.
pub fn built(error: BuildError) -> Error {
    match error {
        BuildError::Cancelled => Error::new(ErrorKind::Cancelled, "cancelled"),
        BuildError::Memory(error) => error.into(),
        BuildError::TooManySlots { .. } => Error::new(ErrorKind::Limit, error.to_string()),
        error => Error::new(ErrorKind::Internal, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::milestone;

    #[test]
    fn milestones_depend_on_slots_alone_and_stay_worth_the_copy() {
        assert_eq!(milestone(0, 2000), 2000);
        let mut covered = 2000;
        let mut steps = 0;
        while covered < 1_000_000 {
            let next = milestone(covered, 2000);
            assert!(next - covered >= 1024 && next - covered <= 16 << 10);
            (covered, steps) = (next, steps + 1);
        }
        assert!(steps < 150, "{steps} steps to a million rows");
        assert_eq!(milestone(64 << 20, 2000) - (64 << 20), 1 << 20);
        assert_eq!(milestone(u32::MAX - 5, 2000), u32::MAX);
    }
}
