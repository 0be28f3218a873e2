//! Search for the best few rows of each of the best few groups: rows that have the same value at one path of
//! their metadata.
//!
//! Rows are taken nearest first. A value that was not met opens a group while there are places for one; rows
//! of other groups and of full ones are passed over. It ends when every group is full, so where some has fewer rows than
//! places, all rows that pass are looked at. As in a range search each step asks for four times as many rows.

use super::cap;
use super::core::Core;
use super::error::{Error, ErrorKind, Result, fail};
use super::latency::Call;
use super::single::Single;
use super::types::{Hits, ID_NONE, Outcome, SearchParams, Vectors};
use super::view::View;
use crate::arena::Lease;
use crate::meta::{Lane, Lanes, Reader, Scalar, filter};
use crate::util::memory::{collected, make_room, with_room};

/// Rows asked for at first for each place, and how many times more each time.
const FIRST_SHARE: usize = 2;
const GROWTH: usize = 4;

/// Where the rows of groups go.
struct Groups<'a> {
    reader: Reader<'a>,
    per_group: usize,
    hits: Hits<'a>,
    /// The name of the value that each group has.
    names: Vec<Vec<u8>>,
    /// That of the row in hand.
    name: Vec<u8>,
    lease: Lease,
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
    let path = filter::path(path).map_err(|odd| Error::new(ErrorKind::FilterSyntax, odd.message).at_byte(odd.at))?;
    let mut single = Single::of(core, Call::Groups, &query, params)?;
    let lease = Lease::new(&core.search_budget);
    let lanes = Lanes::new([&Lane { path, elements: false }]);
    core.cover_search(&lease, (hits.counts.len() * size_of::<Vec<u8>>()) as u64)?;
    let mut groups = Groups {
        reader: Reader::new(&lanes),
        per_group,
        names: with_room(hits.counts.len())?,
        name: Vec::new(),
        lease,
        hits,
    };
    groups.clear();
    let most = cap::most_results(core, &single.view, params.max_memory).max(groups.hits.ids.len());
    let mut k = groups.hits.ids.len().saturating_mul(FIRST_SHARE).min(most);
    let (complete, plan) = loop {
        let (complete, plan) = single.search(k)?;
        let found = single.scratch.best.sorted();
        let count = found.len();
        groups.clear();
        for (distance, slot, id) in found {
            groups.offer(core, &single.view, (distance, slot, id))?;
        }
        if !complete || count < k || groups.are_full() {
            break (complete, plan);
        }
        if k == most {
            break (false, plan);
        }
        k = k.saturating_mul(GROWTH).min(most);
    };
    Ok((single.end(complete, &plan, 0)?, groups.names.len()))
}

/// Bytes that equal values have in common with each other and with no other value, in `out`; false for what makes no
/// group.
fn name(value: Scalar<'_>, out: &mut Vec<u8>) -> Result<bool> {
    let mut put = |kind: u8, bytes: &[u8]| {
        out.clear();
        make_room(out, 1 + bytes.len())?;
        out.push(kind);
        out.extend_from_slice(bytes);
        Ok(true)
    };
    match value {
        Scalar::Null | Scalar::Array | Scalar::Object => Ok(false),
        Scalar::Bool(value) => put(0, &[value as u8]),
        Scalar::Number(number) => match number.whole() {
            Some(whole) => put(1, &whole.to_le_bytes()),
            None => put(2, &number.as_f64().to_le_bytes()),
        },
        Scalar::Text(text) => put(3, text.as_bytes()),
    }
}

impl Groups<'_> {
    fn clear(&mut self) {
        self.names.clear();
        self.lease.shrink_to((self.hits.counts.len() * size_of::<Vec<u8>>()) as u64);
        self.hits.ids.fill(ID_NONE);
        self.hits.distances.fill(f32::INFINITY);
        self.hits.counts.fill(0);
    }

    fn are_full(&self) -> bool {
        self.hits.counts.iter().all(|&count| count as usize == self.per_group)
    }

    /// Takes a row where there is a place for it.
    fn offer(&mut self, core: &Core, view: &View, (distance, slot, id): (f32, u32, u64)) -> Result<()> {
        let mut named = Ok(false);
        self.reader.read(view.records.get(slot).meta, &mut |_, found| named = name(found, &mut self.name));
        if !named? {
            return Ok(());
        }
        let group = match self.names.iter().position(|known| *known == self.name) {
            Some(group) => group,
            None if self.names.len() == self.hits.counts.len() => return Ok(()),
            None => {
                core.cover_search(&self.lease, self.lease.bytes() + self.name.len() as u64)?;
                self.names.push(collected(self.name.iter().copied())?);
                self.names.len() - 1
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
