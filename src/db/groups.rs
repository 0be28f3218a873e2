//! Search for the best few rows of each of the best few groups: rows that have the same value at one path of
//! their metadata.
//!
//! Rows are taken nearest first. A value that was not met opens a group while there are places for one; rows
//! of other groups and of full ones are passed over. It ends when every group is full, so where some has fewer rows than
//! places, all rows that pass are looked at. As in a range search each step asks for four times as many rows.

use super::cap;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::reader::{Limits, finish, search_alone, take_query};
use super::types::{Hits, ID_NONE, Outcome, SearchParams, Vectors};
use super::view::View;
use crate::meta::filter;
use crate::meta::json::{Scalar, Step, at_path};
use crate::util::memory::{make_room, with_room};

/// Rows asked for at first for each place, and how many times more each time.
const FIRST_SHARE: usize = 2;
const GROWTH: usize = 4;

/// Where the rows of groups go.
struct Groups<'a> {
    path: &'a [Step],
    per_group: usize,
    hits: Hits<'a>,
    /// The value that each group has.
    values: Vec<Vec<u8>>,
}

/// See [`super::Database::search_groups`].
pub fn search(
    core: &Core,
    query: Vectors<'_>,
    (path, per_group): (&str, usize),
    params: &SearchParams,
    hits: Hits<'_>,
) -> Result<(Outcome, usize)> {
    let places = hits.counts.len().checked_mul(per_group);
    if query.count() != 1 || places != Some(hits.ids.len()) || hits.distances.len() != hits.ids.len() {
        let message =
            format!("{} queries, {} groups of {per_group}: places that differ", query.count(), hits.counts.len());
        return fail(ErrorKind::InvalidArgument, message);
    }
    let path = filter::path(path).map_err(|odd| Error::new(ErrorKind::FilterSyntax, odd.message).at(odd.at as u64))?;
    core.shape.accepts(&query)?;
    let view = core.view_at(params.snapshot.as_ref())?;
    let limits = Limits::of(params);
    let mut scratch = core.scratch.take();
    take_query(core, &query, 0, &mut scratch)?;
    let _lease = core.search_budget.take((hits.counts.len() * size_of::<Vec<u8>>()) as u64)?;
    let mut groups = Groups { path: &path, per_group, values: with_room(hits.counts.len())?, hits };
    groups.clear();
    let most = cap::most_results(core, &view, params.max_memory).max(groups.hits.ids.len());
    let mut k = groups.hits.ids.len().saturating_mul(FIRST_SHARE).min(most);
    let complete = loop {
        let complete = search_alone(core, &view, k, params, &limits, &mut scratch)?;
        let found = scratch.best.sorted();
        let count = found.len();
        groups.clear();
        for (distance, slot, id) in found {
            groups.offer(&view, distance, slot, id)?;
        }
        if !complete || count < k || groups.are_full() {
            break complete;
        }
        if k == most {
            break false;
        }
        k = k.saturating_mul(GROWTH).min(most);
    };
    finish(core, &view, std::mem::take(&mut scratch.walk.distances), 1)?;
    Ok((if complete { Outcome::Complete } else { Outcome::Partial }, groups.values.len()))
}

/// Bytes that equal values have in common with each other and with no other value; `None` for what makes no group.
fn name_of(value: Scalar<'_>) -> Option<Vec<u8>> {
    let (kind, bytes) = match value {
        Scalar::Null | Scalar::Array | Scalar::Object => return None,
        Scalar::Bool(value) => (0, vec![value as u8]),
        Scalar::Number(number) => match number.whole() {
            Some(whole) => (1, whole.to_le_bytes().to_vec()),
            None => (2, number.as_f64().to_le_bytes().to_vec()),
        },
        Scalar::Text(text) => (3, text.as_bytes().to_vec()),
    };
    Some([&[kind], &bytes[..]].concat())
}

impl Groups<'_> {
    fn clear(&mut self) {
        self.values.clear();
        self.hits.ids.fill(ID_NONE);
        self.hits.distances.fill(f32::INFINITY);
        self.hits.counts.fill(0);
    }

    fn are_full(&self) -> bool {
        self.hits.counts.iter().all(|&count| count as usize == self.per_group)
    }

    /// Takes a row where there is a place for it.
    fn offer(&mut self, view: &View, distance: f32, slot: u32, id: u64) -> Result<()> {
        let mut value = None;
        at_path(view.records.get(slot).meta, self.path, &mut |found| value = name_of(found));
        let Some(value) = value else { return Ok(()) };
        let group = match self.values.iter().position(|known| *known == value) {
            Some(group) => group,
            None if self.values.len() == self.hits.counts.len() => return Ok(()),
            None => {
                make_room(&mut self.values, 1)?;
                self.values.push(value);
                self.values.len() - 1
            }
        };
        let count = &mut self.hits.counts[group];
        if (*count as usize) < self.per_group {
            let place = group * self.per_group + *count as usize;
            (self.hits.ids[place], self.hits.distances[place]) = (id, distance);
            *count += 1;
        }
        Ok(())
    }
}
