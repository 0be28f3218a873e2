//! The vectors and ids of one chunk, as far as checksums prove them.
//!
//! They are two columns of one file; where vectors were given up (`schema.originals = drop`), ids have the file
//! for themselves, and the codes in another stand in for the vectors.

use crate::arena::AllocError;
use crate::db::error::Result;
use crate::db::input::Shape;
use crate::db::view::{Decoded, read_id};
use crate::quant::Codec;
use crate::storage::StorageError;
use crate::storage::part::{Cursor, Salvage};
use std::collections::BTreeMap;

/// A chunk that could be opened.
pub struct OpenChunk {
    /// Vectors and ids, or the ids alone.
    pub part: Salvage,
    /// What stands in for the vectors.
    pub codes: Option<Salvage>,
}

/// Reads a chunk row by row.
pub struct ChunkCursor<'a> {
    vectors: Cursor<'a>,
    ids: Cursor<'a>,
    coded: Option<Coded<'a>>,
}

/// Codes in the place of vectors.
struct Coded<'a> {
    codec: &'a Codec,
    rows: u64,
    decoded: Decoded,
}

/// A damaged block: its file and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block(FileOf, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FileOf {
    /// That of the vectors, or of the codes in their place, and of the ids if they are in it too.
    Vectors,
    /// That of the ids, where it is another one.
    Ids,
}

impl OpenChunk {
    /// Number of its rows.
    pub fn rows(&self) -> u64 {
        self.part.rows()
    }

    /// The column of the ids in [`OpenChunk::part`].
    pub fn id_column(&self) -> usize {
        self.codes.is_none() as usize
    }

    /// Reads it. `codec` is that of the codes, without which none stand in.
    pub fn cursor<'a>(&'a self, codec: Option<&'a Codec>) -> Result<ChunkCursor<'a>> {
        let ids = self.part.cursor(self.id_column())?;
        let vectors = self.codes.as_ref().unwrap_or(&self.part).cursor(0)?;
        let coded = self.codes.as_ref().zip(codec);
        let coded = coded.map(|(codes, codec)| Coded { codec, rows: codes.rows(), decoded: Decoded::default() });
        Ok(ChunkCursor { vectors, ids, coded })
    }

    /// What is damaged around the rows.
    pub fn damage_around(&mut self) -> impl Iterator<Item = StorageError> {
        [Some(&mut self.part), self.codes.as_mut()].into_iter().flatten().filter_map(Salvage::damage)
    }
}

impl ChunkCursor<'_> {
    /// The id of row `row`, or the damaged block that keeps it from being read.
    pub fn id(&mut self, row: u64) -> std::result::Result<u64, Block> {
        let file = if self.coded.is_some() { FileOf::Ids } else { FileOf::Vectors };
        self.ids.row(row).map(read_id).map_err(|block| Block(file, block))
    }

    /// The vector of row `row`, or the damaged block that keeps it from being read. A row without a code counts to the first one.
    pub fn vector(
        &mut self,
        row: u64,
        shape: &Shape,
    ) -> std::result::Result<std::result::Result<&[u8], Block>, AllocError> {
        let damaged = |block| Block(FileOf::Vectors, block);
        let Some(Coded { codec, rows, decoded }) = &mut self.coded else {
            return Ok(self.vectors.row(row).map_err(damaged));
        };
        if row >= *rows {
            return Ok(Err(damaged(0)));
        }
        match self.vectors.row(row) {
            Ok(code) => decoded.decode(codec, shape, code).map(Ok),
            Err(block) => Ok(Err(damaged(block))),
        }
    }

    /// All damaged blocks that were met, each once.
    pub fn into_damage(self) -> BTreeMap<Block, StorageError> {
        let of_ids = if self.coded.is_some() { FileOf::Ids } else { FileOf::Vectors };
        let of = |file, cursor: Cursor<'_>| {
            cursor.into_damage().into_iter().map(move |(n, damage)| (Block(file, n), damage))
        };
        of(FileOf::Vectors, self.vectors).chain(of(of_ids, self.ids)).collect()
    }
}
