//! Export: the rows of one view, by id, as a file that appears when it is whole.

use super::format::{Element, Format};
use super::{lines, npy, plain};
use crate::db::core::Core;
use crate::db::error::{Error, ErrorKind, Result, fail};
use crate::db::filter::{Filter, Selection};
use crate::db::input::Shape;
use crate::db::records::Record;
use crate::db::task::Task;
use crate::db::view::{Decoded, View};
use crate::index::Control;
use crate::kernel::Scalar;
use crate::storage::outside::NewFile;
use crate::util::memory::resize;
use std::path::Path;
use std::sync::Arc;

/// Rows between two looks at the task.
const STEP: u64 = 1024;
const CANCELLED: &str = "the export was cancelled; nothing is left of it";

/// See [`crate::Database::export`].
pub fn export(
    core: &Core,
    path: &Path,
    format: Option<&str>,
    filter: Option<&Filter>,
    task: Option<&Task>,
) -> Result<u64> {
    let format = Format::of(format, path)?;
    let rows = Rows::of(core, filter, task)?;
    let mut encoder = Encoder::new(format, core.shape, rows.count)?;
    let mut vectors = NewFile::create(path)?;
    let ids = format.ids_path(path);
    let mut ids = ids.map(|path| NewFile::create(&path)).transpose()?;
    vectors.write(&encoder.head)?;
    if let Some(ids) = &mut ids {
        ids.write(&npy::encode("<u8", &format!("({},)", rows.count)))?;
    }
    rows.each(core, task, |number, id, row, record| {
        let blame = |e: Error| Error::new(e.kind(), format!("the row of id {id}: {}", e.message())).at(number);
        vectors.write(encoder.encode(id, row, record).map_err(blame)?)?;
        ids.as_mut().map_or(Ok(()), |ids| Ok(ids.write(&id.to_le_bytes())?))
    })?;
    core.check_faults()?;
    // The vectors last: who finds them finds their ids.
    let ids = ids.map(NewFile::publish).transpose()?;
    vectors.publish()?.keep();
    if let Some(ids) = ids {
        ids.keep();
    }
    if let Some(task) = task {
        task.finished(rows.count);
    }
    Ok(rows.count)
}

/// The rows to be written.
struct Rows {
    view: Arc<View>,
    selection: Option<Arc<Selection>>,
    count: u64,
}

impl Rows {
    fn of(core: &Core, filter: Option<&Filter>, task: Option<&Task>) -> Result<Rows> {
        let view = core.view.load_full();
        let Some(filter) = filter else {
            let count = view.live();
            return Ok(Rows { view, selection: None, count });
        };
        let Some(selection) = filter.select(core, &view, &UntilCancelled(task))? else {
            return fail(ErrorKind::Cancelled, CANCELLED);
        };
        Ok(Rows { count: selection.passing, selection: Some(selection), view })
    }

    /// Calls `each` with number, id, stored vector and record of every row, by id.
    fn each(
        &self,
        core: &Core,
        task: Option<&Task>,
        mut each: impl FnMut(u64, u64, &[u8], Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let view = &self.view;
        let blocked = self.selection.as_ref().map_or(&view.dead, |selection| &selection.blocked);
        let passes = |slot| (slot < view.end() && !blocked.get(slot)).then_some(slot);
        let (mut done, mut decoded) = (0, Decoded::default());
        for (id, slot) in view.id_map.entries(&passes) {
            if done % STEP == 0 && task.is_some_and(|task| !task.step(done, self.count)) {
                return fail(ErrorKind::Cancelled, CANCELLED);
            }
            if let Some(row) = view.vector(&core.shape, slot, &mut decoded)? {
                each(done, id, row, view.records.get(slot))?;
                done += 1;
            }
        }
        core.check_faults()?;
        if done != self.count {
            let message = format!("{done} rows were found where {} are counted; check the database", self.count);
            return fail(ErrorKind::Corrupt, message);
        }
        Ok(())
    }
}

/// Ends the question which rows pass.
struct UntilCancelled<'a>(Option<&'a Task>);

impl Control for UntilCancelled<'_> {
    fn stop(&self) -> bool {
        self.0.is_some_and(Task::is_cancelled)
    }
}

/// Makes the bytes of a file.
struct Encoder {
    format: Format,
    element: Element,
    shape: Shape,
    /// What the file begins with.
    head: Vec<u8>,
    wide: Vec<f32>,
    out: Vec<u8>,
}

impl Encoder {
    fn new(format: Format, shape: Shape, count: u64) -> Result<Encoder> {
        let element = format.element(&shape)?;
        let head = match format {
            Format::Npy => {
                let (descr, columns) = match plain(&shape) {
                    Scalar::F16 => ("<f2", shape.dim),
                    Scalar::I8 => ("|i1", shape.dim),
                    Scalar::U8 => ("|u1", shape.dim),
                    Scalar::B1 => ("|u1", shape.row_bytes()),
                    Scalar::F32 | Scalar::Bf16 => ("<f4", shape.dim),
                };
                npy::encode(descr, &format!("({count}, {columns})"))
            }
            Format::Bin(_) => {
                let Ok(count) = u32::try_from(count) else {
                    return fail(ErrorKind::Limit, format!("{count} vectors are more than this format can count"));
                };
                [count.to_le_bytes(), (shape.dim as u32).to_le_bytes()].concat()
            }
            Format::Vecs(_) | Format::Lines => Vec::new(),
        };
        Ok(Encoder { format, element, shape, head, wide: Vec::new(), out: Vec::new() })
    }

    /// The bytes of one stored row.
    fn encode(&mut self, id: u64, row: &[u8], record: Record<'_>) -> Result<&[u8]> {
        let Encoder { format, element, shape, wide, out, .. } = self;
        out.clear();
        if *format == Format::Lines {
            lines::write(id, shape, row, record, wide, out)?;
            return Ok(out);
        }
        let prefix = (shape.dim as u32).to_le_bytes();
        let before = if matches!(format, Format::Vecs(_)) { prefix.len() } else { 0 };
        resize(out, before + element.row_bytes(shape.dim), 0)?;
        let (head, place) = out.split_at_mut(before);
        head.copy_from_slice(&prefix[..before]);
        element.write(shape, row, wide, place)?;
        Ok(out)
    }
}
