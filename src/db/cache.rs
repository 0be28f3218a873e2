//! The cache of results: what a search found, for the next one that asks the same of the same view.
//!
//! The key is everything that decides an answer - the query as it is stored, k, all parameters, the filter, the serial number
//! of the view - so nothing has to be invalidated: any write, any step of graph work makes another view, whose searches ask
//! another question. What nobody asks any more goes first (CLOCK, second chance). Only whole answers are kept.
//!
//! Bytes are bounded, tables and all, and taken from the memory of the database like rows are; where memory is short the
//! cache is the first to go. An answer that finds no room is not kept; nothing here fails a search.
//! `docs/decisions/0010-a-cache-of-our-own.md` says why no library does this.

use super::core::Core;
use super::types::{ID_NONE, SearchParams};
use super::view::View;
use crate::arena::{Budget, Lease};
use crate::util::memory::{AllocError, with_room};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A shard has so many bytes at least, and there are no more shards than this: threads that write meet in one.
const SHARD_BYTES: u64 = 1 << 20;
const SHARDS_MAX: u64 = 16;
/// There is a place for each so many bytes: tables have a fixed size, so their growth needs no thought.
const PLACE_BYTES: u64 = 256;
/// An answer that takes more than this part of a shard is not kept: it would drive all others out.
const ANSWER_SHARE: u64 = 4;
/// What the allocator takes beside the bytes of an answer.
const ALLOCATION_BYTES: u64 = 16;
/// Bytes of an entry of the table by hash with its share of empty ones, and the fewest entries it has.
const TABLE_BYTES: u64 = 40;
const TABLE_LEAST: usize = 4;
/// Bytes of a result.
const HIT_BYTES: usize = 12;

/// All that decides an answer but for the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question([u64; 10]);

/// What a search looks for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// The nearest `k` rows. What a scan by sketches finds may depend on the threads it is split over.
    Nearest { k: usize, threads: usize },
    /// Rows within a distance, as many as there are places for.
    Within { radius: f32, places: usize },
}

impl Question {
    fn new(view: &View, params: &SearchParams, wanted: Wanted) -> Question {
        let (places, threads, radius, within) = match wanted {
            Wanted::Nearest { k, threads } => (k, threads, 0.0, false),
            Wanted::Within { radius, places } => (places, 0, radius, true),
        };
        let filter = params.filter.as_ref().map_or(0, |filter| filter.identity());
        Question([
            view.serial,
            filter as u64,
            (filter >> 64) as u64,
            places as u64,
            params.ef as u64,
            params.rerank as u64,
            params.max_memory,
            u64::from(params.target_recall.to_bits()) << 32 | u64::from(radius.to_bits()),
            threads as u64,
            u64::from(within) << 1 | u64::from(params.exact),
        ])
    }

    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Bytes of a question in a key.
const QUESTION_BYTES: usize = size_of::<Question>();

/// The cache of one database.
pub struct Cache {
    shards: Vec<RwLock<Shard>>,
    random: RandomState,
    pub hits: AtomicU64,
    pub misses: AtomicU64,
}

/// A search that may look into the cache and leave its answer there.
pub struct Asking<'a> {
    cache: &'a Cache,
    question: Question,
}

impl<'a> Asking<'a> {
    /// `None` where there is no cache or the caller wants none.
    pub fn new(core: &'a Core, view: &View, params: &SearchParams, wanted: Wanted) -> Option<Asking<'a>> {
        let cache = core.cache.as_ref().filter(|_| !params.no_cache)?;
        Some(Asking { cache, question: Question::new(view, params, wanted) })
    }

    /// Fills `ids` and `distances` with the answer that is known for `query`; the number of rows found.
    pub fn look_up(&self, query: &[u8], ids: &mut [u64], distances: &mut [f32]) -> Option<u64> {
        let found = self.cache.get(&self.question, query, ids, distances);
        let counter = if found.is_some() { &self.cache.hits } else { &self.cache.misses };
        counter.fetch_add(1, Relaxed);
        found
    }

    /// Keeps a whole answer: `found` rows, of which those in `ids` and `distances`.
    pub fn keep(&self, query: &[u8], found: u64, ids: &[u64], distances: &[f32]) {
        self.cache.put(&self.question, query, found, ids, distances);
    }

    /// Whether an answer is known.
    pub fn knows(&self, query: &[u8]) -> bool {
        self.cache.get(&self.question, query, &mut [], &mut []).is_some()
    }
}

impl Cache {
    /// An empty cache of at most `bytes` bytes, taken from `budget` as it fills, for queries of `row_bytes`; `None` for 0 bytes.
    pub fn new(bytes: u64, row_bytes: usize, budget: &Budget) -> Result<Option<Cache>, AllocError> {
        if bytes == 0 {
            return Ok(None);
        }
        let count = 1 << (bytes / SHARD_BYTES).clamp(1, SHARDS_MAX).ilog2();
        let most = bytes / count;
        let smallest = (QUESTION_BYTES + row_bytes) as u64 + ALLOCATION_BYTES;
        let places = most / smallest.max(PLACE_BYTES);
        let mut shards = with_room(count as usize)?;
        shards.extend((0..count).map(|_| RwLock::new(Shard::new(most, places as usize, budget))));
        Ok(Some(Cache { shards, random: RandomState::new(), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }))
    }

    /// Forgets all answers and gives their memory back.
    pub fn clear(&self) {
        self.shards.iter().for_each(|shard| write(shard).clear());
    }

    /// Bytes in use.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| read(shard).bytes).sum()
    }

    fn hash(&self, question: &Question, query: &[u8]) -> u64 {
        let mut hasher = self.random.build_hasher();
        hasher.write(question.bytes());
        hasher.write(query);
        hasher.finish()
    }

    /// The shard by the upper bits: the table in it goes by the lower ones.
    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        &self.shards[(hash >> 32) as usize % self.shards.len()]
    }

    fn get(&self, question: &Question, query: &[u8], ids: &mut [u64], distances: &mut [f32]) -> Option<u64> {
        let hash = self.hash(question, query);
        let shard = read(self.shard(hash));
        let (found, hits) = shard.find(hash)?.answer(question, query)?;
        let places = ids.iter_mut().zip(distances.iter_mut());
        let hits = hits.chunks_exact(HIT_BYTES).map(Some).chain(std::iter::repeat(None));
        for ((id, distance), hit) in places.zip(hits) {
            (*id, *distance) = hit.and_then(read_hit).unwrap_or((ID_NONE, f32::INFINITY));
        }
        Some(found)
    }

    fn put(&self, question: &Question, query: &[u8], found: u64, ids: &[u64], distances: &[f32]) {
        let hash = self.hash(question, query);
        let mut shard = write(self.shard(hash));
        let bytes = QUESTION_BYTES + query.len() + size_of::<u64>() + ids.len() * HIT_BYTES;
        if !shard.make_room(hash, bytes as u64 + ALLOCATION_BYTES) {
            return;
        }
        let Ok(mut data) = with_room(bytes) else { return };
        data.extend_from_slice(question.bytes());
        data.extend_from_slice(query);
        data.extend_from_slice(&found.to_le_bytes());
        for (id, distance) in ids.iter().zip(distances) {
            data.extend_from_slice(&id.to_le_bytes());
            data.extend_from_slice(&distance.to_le_bytes());
        }
        shard.insert(hash, data);
    }
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

fn read_hit(bytes: &[u8]) -> Option<(u64, f32)> {
    let (id, distance) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*id), f32::from_le_bytes(distance.try_into().ok()?)))
}

/// A part of the cache under a lock of its own.
struct Shard {
    /// Bytes that all of it may take, and takes.
    most: u64,
    bytes: u64,
    /// Entries there may be; their tables are made for all of them by the first.
    places: usize,
    entries: Vec<Entry>,
    /// Entries that are empty.
    free: Vec<u32>,
    by_hash: HashMap<u64, u32>,
    /// The next entry to be asked whether it may go.
    hand: usize,
    lease: Lease,
}

struct Entry {
    hash: u64,
    /// Question, query, number of rows found, hits; nothing where it is empty.
    data: Vec<u8>,
    /// Whether it was found since the hand came by.
    used: AtomicBool,
}

impl Entry {
    /// Number of rows found, and the hits, if this is the answer to that.
    fn answer(&self, question: &Question, query: &[u8]) -> Option<(u64, &[u8])> {
        let rest = self.data.strip_prefix(question.bytes())?.strip_prefix(query)?;
        let (found, hits) = rest.split_first_chunk()?;
        Some((u64::from_le_bytes(*found), hits))
    }

    fn bytes(&self) -> u64 {
        self.data.capacity() as u64 + ALLOCATION_BYTES
    }
}

impl Shard {
    fn new(most: u64, places: usize, budget: &Budget) -> Shard {
        let (entries, free, by_hash, lease) = (Vec::new(), Vec::new(), HashMap::new(), Lease::new(budget));
        Shard { most, bytes: 0, places, entries, free, by_hash, hand: 0, lease }
    }

    /// The entry of this hash. Two keys of one hash take turns.
    fn find(&self, hash: u64) -> Option<&Entry> {
        let entry = &self.entries[*self.by_hash.get(&hash)? as usize];
        if !entry.used.load(Relaxed) {
            entry.used.store(true, Relaxed);
        }
        Some(entry)
    }

    /// Makes room for an entry of `bytes`, without another of the same hash; whether there is.
    fn make_room(&mut self, hash: u64, bytes: u64) -> bool {
        if bytes > self.most / ANSWER_SHARE || (self.entries.capacity() == 0 && !self.make_tables()) {
            return false;
        }
        if let Some(&same) = self.by_hash.get(&hash) {
            self.remove(same as usize);
        }
        while self.bytes.saturating_add(bytes) > self.most || self.by_hash.len() == self.places {
            if !self.evict() {
                return false;
            }
        }
        // Taken before it is used; what others need more is not taken.
        self.lease.cover(self.bytes + bytes).is_ok()
    }

    fn make_tables(&mut self) -> bool {
        let bytes = table_bytes(self.places);
        let made = bytes <= self.most
            && self.lease.cover(bytes).is_ok()
            && self.entries.try_reserve_exact(self.places).is_ok()
            && self.free.try_reserve_exact(self.places).is_ok()
            && self.by_hash.try_reserve(self.places).is_ok();
        if made {
            self.bytes = bytes;
        } else {
            self.clear();
        }
        made
    }

    /// Removes the next entry that was not used since the hand came by; false when there is none.
    fn evict(&mut self) -> bool {
        while !self.by_hash.is_empty() {
            let at = self.hand % self.entries.len();
            // Also past one that goes: what takes its place has a whole round before it.
            self.hand = at + 1;
            let entry = &mut self.entries[at];
            if !entry.data.is_empty() && !std::mem::take(entry.used.get_mut()) {
                self.remove(at);
                return true;
            }
        }
        false
    }

    /// Empties an entry.
    fn remove(&mut self, at: usize) {
        let entry = &mut self.entries[at];
        self.bytes -= entry.bytes();
        entry.data = Vec::new();
        self.by_hash.remove(&entry.hash);
        self.free.push(at as u32);
    }

    /// Adds an entry that there is room for, where the last one went.
    fn insert(&mut self, hash: u64, data: Vec<u8>) {
        let entry = Entry { hash, data, used: AtomicBool::new(false) };
        self.bytes += entry.bytes();
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.by_hash.insert(hash, at);
    }

    fn clear(&mut self) {
        (self.entries, self.free, self.by_hash) = (Vec::new(), Vec::new(), HashMap::new());
        (self.bytes, self.hand) = (0, 0);
        self.lease.shrink_to(0);
    }
}

/// Bytes of the tables for so many entries.
fn table_bytes(places: usize) -> u64 {
    (places * (size_of::<Entry>() + size_of::<u32>())) as u64 + places.max(TABLE_LEAST) as u64 * TABLE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn question(n: u64) -> Question {
        Question([n, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    fn cache(bytes: u64, row_bytes: usize, budget: &Budget) -> Cache {
        Cache::new(bytes, row_bytes, budget).unwrap().unwrap()
    }

    /// Keeps an answer that can be told from all others.
    fn keep(cache: &Cache, n: u64, hits: usize) {
        let ids: Vec<u64> = (0..hits as u64).map(|i| n * 1000 + i).collect();
        let distances: Vec<f32> = ids.iter().map(|&id| id as f32).collect();
        cache.put(&question(n), &n.to_le_bytes(), hits as u64, &ids, &distances);
    }

    /// Whether it is known; when it is, it is the right one.
    fn knows(cache: &Cache, n: u64, hits: usize) -> bool {
        let (mut ids, mut distances) = (vec![0; hits + 2], vec![0.0; hits + 2]);
        let Some(found) = cache.get(&question(n), &n.to_le_bytes(), &mut ids, &mut distances) else { return false };
        assert_eq!(found, hits as u64);
        assert!(ids[..hits].iter().copied().eq((0..hits as u64).map(|i| n * 1000 + i)));
        assert!(distances[..hits].iter().zip(&ids).all(|(&distance, &id)| distance == id as f32));
        assert!(ids[hits..] == [ID_NONE; 2] && distances[hits..] == [f32::INFINITY; 2]);
        true
    }

    #[test]
    fn an_answer_is_for_its_question_and_query_alone() {
        let cache = cache(1 << 20, 8, &Budget::default());
        keep(&cache, 7, 3);
        assert!(knows(&cache, 7, 3) && !knows(&cache, 8, 3));
        let mut none = ([0; 1], [0.0; 1]);
        for place in 0..9 {
            let mut other = question(7);
            other.0[place] ^= 1;
            assert_eq!(cache.get(&other, &7u64.to_le_bytes(), &mut none.0, &mut none.1), None, "place {place}");
        }
        assert_eq!(cache.get(&question(7), &8u64.to_le_bytes(), &mut none.0, &mut none.1), None);
        assert_eq!(none, ([0], [0.0]), "nothing known, nothing written");
        cache.clear();
        assert!(!knows(&cache, 7, 3) && cache.bytes() == 0);
    }

    #[test]
    fn what_is_asked_again_stays_and_what_is_not_goes() {
        let cache = cache(64 << 10, 8, &Budget::default());
        for n in 0..10_000 {
            keep(&cache, n, 10);
            assert!(knows(&cache, 5.min(n), 10), "lost after {n}");
        }
        let kept = (0..10_000).filter(|&n| knows(&cache, n, 10)).count();
        assert!((100..256).contains(&kept), "{kept}");
        assert!((9_950..10_000).all(|n| knows(&cache, n, 10)), "the newest are there");
    }

    #[test]
    fn memory_that_is_short_is_left_to_others() {
        let budget = Budget::new(400 << 10);
        let cache = cache(1 << 20, 8, &budget);
        (0..10_000).for_each(|n| keep(&cache, n, 10));
        assert!(cache.bytes() <= budget.used() && budget.used() <= 400 << 10);
        assert!((0..10_000).any(|n| knows(&cache, n, 10)));
        cache.clear();
        assert_eq!(budget.used(), 0);
        let taken = budget.take(390 << 10).unwrap();
        keep(&cache, 1, 10);
        assert!(!knows(&cache, 1, 10), "no room for its tables");
        drop(taken);
        keep(&cache, 1, 10);
        assert!(knows(&cache, 1, 10));
    }

    #[test]
    fn threads_find_whole_answers() {
        let cache = cache(256 << 10, 8, &Budget::default());
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let cache = &cache;
                scope.spawn(move || {
                    for round in 0..3000 {
                        let n = (round * 7 + thread) % 600;
                        if !knows(cache, n, (n % 20) as usize) {
                            keep(cache, n, (n % 20) as usize);
                        }
                        if round % 1000 == 999 {
                            cache.clear();
                        }
                    }
                });
            }
        });
        assert!(cache.bytes() <= 256 << 10);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn bytes_never_pass_the_limit_and_answers_are_right(
            limit in 64u64 << 10..3 << 20, row_bytes in 1usize..2000,
            steps in proptest::collection::vec((0u64..300, 0usize..400), 1..500),
        ) {
            let budget = Budget::default();
            let cache = cache(limit, row_bytes, &budget);
            for (n, hits) in steps {
                let n = n * 1000 + hits as u64;
                knows(&cache, n, hits);
                keep(&cache, n, hits);
                prop_assert!(cache.bytes() <= limit && cache.bytes() <= budget.used() && budget.used() <= limit);
            }
            for shard in &cache.shards {
                let shard = read(shard);
                let full = || shard.entries.iter().zip(0..).filter(|(entry, _)| !entry.data.is_empty());
                let held: u64 = full().map(|(entry, _)| entry.bytes()).sum();
                prop_assert!(shard.entries.is_empty() || shard.bytes == held + table_bytes(shard.places));
                prop_assert_eq!(full().count(), shard.by_hash.len());
                prop_assert_eq!(shard.entries.len() - shard.free.len(), shard.by_hash.len());
                prop_assert!(full().all(|(entry, at)| shard.by_hash[&entry.hash] == at));
                // An entry of the table takes 16 bytes and one more, an eighth to more than half of them are empty.
                prop_assert!(shard.by_hash.capacity() as u64 * 17 * 8 / 7 <= (shard.places.max(TABLE_LEAST) as u64) * TABLE_BYTES);
            }
        }
    }
}
