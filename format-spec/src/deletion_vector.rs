#![doc = include_str!("../deletion_vector.md")]

use roaring::{RoaringBitmap, RoaringTreemap};

use crate::error::{Error, Result};
use crate::index_file::DeletionVectorMeta;

/// The index type of an index manifest's entry for a file of deletion vectors.
pub const INDEX_TYPE: &str = "DELETION_VECTORS";

/// The first byte of an index file.
const FILE_VERSION: u8 = 1;

/// Of a 32-bit vector, big-endian.
const MAGIC_32: u32 = 1_581_511_376;

/// Of a 64-bit vector, little-endian.
const MAGIC_64: u32 = 1_681_511_377;

/// Bytes of the size field, of the magic number, and of the checksum.
const FIELD_BYTES: usize = 4;

/// Positions end here. A file has fewer rows, and a vector of one position stays small: there is a bitmap for each 2^32 positions.
pub const POSITION_END: u64 = 1 << 44;

/// The rows of one data file, by position from 0, that are deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletionVector {
    bitmap: Bitmap,
}

#[derive(Clone, Debug, PartialEq)]
enum Bitmap {
    Bits32(RoaringBitmap),
    Bits64(RoaringTreemap),
}

/// The two forms at rest; tables choose by the option `deletion-vectors.bitmap64`, a reader by the magic number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionVectorKind {
    /// Positions below 2^31.
    #[default]
    Bitmap32,
    /// Positions below [`POSITION_END`].
    Bitmap64,
}

impl DeletionVector {
    /// A vector that deletes nothing.
    pub fn new(kind: DeletionVectorKind) -> Self {
        let bitmap = match kind {
            DeletionVectorKind::Bitmap32 => Bitmap::Bits32(RoaringBitmap::new()),
            DeletionVectorKind::Bitmap64 => Bitmap::Bits64(RoaringTreemap::new()),
        };
        Self { bitmap }
    }

    /// Its form at rest.
    pub fn kind(&self) -> DeletionVectorKind {
        match self.bitmap {
            Bitmap::Bits32(_) => DeletionVectorKind::Bitmap32,
            Bitmap::Bits64(_) => DeletionVectorKind::Bitmap64,
        }
    }

    /// Deletes the row at `position`; whether it was not deleted before. [`crate::ErrorKind::Invalid`] when the position is too
    /// large for the kind.
    pub fn delete(&mut self, position: u64) -> Result<bool> {
        match &mut self.bitmap {
            Bitmap::Bits32(bitmap) => match i32::try_from(position) {
                Ok(position) => Ok(bitmap.insert(position.cast_unsigned())),
                Err(_) => Err(Error::invalid(format!(
                    "row {position} is too large for a 32-bit deletion vector; set deletion-vectors.bitmap64"
                ))),
            },
            Bitmap::Bits64(_) if position >= POSITION_END => {
                Err(Error::invalid(format!("row {position} is too large for a deletion vector")))
            }
            Bitmap::Bits64(bitmap) => Ok(bitmap.insert(position)),
        }
    }

    /// Whether the row at `position` is deleted.
    pub fn is_deleted(&self, position: u64) -> bool {
        match &self.bitmap {
            Bitmap::Bits32(bitmap) => u32::try_from(position).is_ok_and(|position| bitmap.contains(position)),
            Bitmap::Bits64(bitmap) => bitmap.contains(position),
        }
    }

    /// Deletes what `other`, which may be of the other kind, deletes.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        match (&mut self.bitmap, &other.bitmap) {
            (Bitmap::Bits32(mine), Bitmap::Bits32(theirs)) => *mine |= theirs,
            (Bitmap::Bits64(mine), Bitmap::Bits64(theirs)) => *mine |= theirs,
            _ => other.positions().try_for_each(|position| self.delete(position).map(drop))?,
        }
        Ok(())
    }

    /// How many rows are deleted.
    pub fn cardinality(&self) -> u64 {
        match &self.bitmap {
            Bitmap::Bits32(bitmap) => bitmap.len(),
            Bitmap::Bits64(bitmap) => bitmap.len(),
        }
    }

    /// Whether no row is deleted.
    pub fn is_empty(&self) -> bool {
        self.cardinality() == 0
    }

    /// The positions deleted, ascending.
    pub fn positions(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match &self.bitmap {
            Bitmap::Bits32(bitmap) => Box::new(bitmap.iter().map(u64::from)),
            Bitmap::Bits64(bitmap) => Box::new(bitmap.iter()),
        }
    }

    /// The positions deleted within `range`, ascending: what a reader of a part of a file asks for.
    pub fn positions_in(&self, range: std::ops::Range<u64>) -> Vec<u64> {
        match &self.bitmap {
            Bitmap::Bits32(bitmap) => {
                let clamp = |position: u64| u32::try_from(position).unwrap_or(u32::MAX);
                bitmap.range(clamp(range.start)..clamp(range.end)).map(u64::from).collect()
            }
            Bitmap::Bits64(bitmap) => {
                let mut positions = bitmap.iter();
                positions.advance_to(range.start);
                positions.take_while(|position| *position < range.end).collect()
            }
        }
    }

    /// Whether every row within `range` is deleted; of no rows every one is.
    pub fn are_deleted(&self, range: std::ops::Range<u64>) -> bool {
        match &self.bitmap {
            _ if range.is_empty() => true,
            Bitmap::Bits32(bitmap) => match (u32::try_from(range.start), u32::try_from(range.end)) {
                (Ok(start), Ok(end)) => bitmap.contains_range(start..end),
                _ => false,
            },
            Bitmap::Bits64(bitmap) => bitmap.contains_range(range),
        }
    }

    /// The last position deleted.
    pub fn last(&self) -> Option<u64> {
        match &self.bitmap {
            Bitmap::Bits32(bitmap) => bitmap.max().map(u64::from),
            Bitmap::Bits64(bitmap) => bitmap.max(),
        }
    }

    /// Magic number and bitmap.
    fn encode(&self) -> Vec<u8> {
        match &self.bitmap {
            Bitmap::Bits32(bitmap) => {
                let mut bytes = MAGIC_32.to_be_bytes().to_vec();
                write_bitmap(bitmap, &mut bytes);
                bytes
            }
            Bitmap::Bits64(treemap) => {
                let mut bytes = MAGIC_64.to_le_bytes().to_vec();
                let bitmaps = treemap.bitmaps().next_back().map_or(0, |(key, _)| u64::from(key) + 1);
                bytes.extend_from_slice(&bitmaps.to_le_bytes());
                let mut next = 0_u32;
                for (key, bitmap) in treemap.bitmaps() {
                    // Java writes an empty bitmap for each key that nothing is deleted in.
                    for absent in next..key {
                        bytes.extend_from_slice(&absent.to_le_bytes());
                        write_bitmap(&RoaringBitmap::new(), &mut bytes);
                    }
                    bytes.extend_from_slice(&key.to_le_bytes());
                    write_bitmap(bitmap, &mut bytes);
                    next = key.saturating_add(1);
                }
                bytes
            }
        }
    }

    /// From magic number and bitmap.
    fn decode(body: &[u8]) -> Result<Self, String> {
        let Some((magic, mut rest)) = body.split_first_chunk::<FIELD_BYTES>() else {
            return Err("a deletion vector has no magic number".to_owned());
        };
        let bitmap = if u32::from_be_bytes(*magic) == MAGIC_32 {
            Bitmap::Bits32(read_bitmap(&mut rest)?)
        } else if u32::from_le_bytes(*magic) == MAGIC_64 {
            Bitmap::Bits64(read_treemap(&mut rest)?)
        } else {
            return Err(format!("{magic:02x?} is no magic number of a deletion vector"));
        };
        match rest.len() {
            0 => Ok(Self { bitmap }),
            left => Err(format!("{left} bytes left behind the bitmap")),
        }
    }
}

fn write_bitmap(bitmap: &RoaringBitmap, bytes: &mut Vec<u8>) {
    let mut bitmap = bitmap.clone();
    bitmap.optimize();
    // Writing to memory cannot fail.
    let _ = bitmap.serialize_into(&mut *bytes);
}

fn read_bitmap(bytes: &mut &[u8]) -> Result<RoaringBitmap, String> {
    RoaringBitmap::deserialize_from(bytes).map_err(|error| format!("the bitmap is wrong: {error}"))
}

fn read_treemap(bytes: &mut &[u8]) -> Result<RoaringTreemap, String> {
    let (count, rest) = bytes.split_first_chunk::<8>().ok_or("the number of bitmaps is cut off")?;
    let count = u64::from_le_bytes(*count);
    *bytes = rest;
    let (mut bitmaps, mut next) = (Vec::new(), 0_u64);
    for _ in 0..count {
        let (key, rest) = bytes.split_first_chunk::<4>().ok_or("a bitmap's key is cut off")?;
        let key = u32::from_le_bytes(*key);
        *bytes = rest;
        if u64::from(key) < next || u64::from(key) >= POSITION_END >> 32 {
            return Err(format!("bitmap {key} is out of order or too large"));
        }
        next = u64::from(key) + 1;
        let bitmap = read_bitmap(bytes)?;
        if !bitmap.is_empty() {
            bitmaps.push((key, bitmap));
        }
    }
    Ok(RoaringTreemap::from_bitmaps(bitmaps))
}

/// The bytes of an index file that holds `vectors`, each with the name of its data file, and where they lie in it, in that order.
/// [`crate::ErrorKind::Invalid`] when they are more than an index file's 2 GiB.
pub fn encode_index_file(vectors: &[(&str, &DeletionVector)]) -> Result<(Vec<u8>, Vec<DeletionVectorMeta>)> {
    let too_large = |_| Error::invalid("an index file of deletion vectors cannot be larger than 2 GiB");
    let mut file = vec![FILE_VERSION];
    let mut metas = Vec::with_capacity(vectors.len());
    for (data_file_name, vector) in vectors {
        let offset = i32::try_from(file.len()).map_err(too_large)?;
        let body = vector.encode();
        let size = i32::try_from(body.len()).map_err(too_large)?;
        file.extend_from_slice(&size.to_be_bytes());
        file.extend_from_slice(&body);
        file.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
        metas.push(DeletionVectorMeta {
            data_file_name: (*data_file_name).to_owned(),
            offset,
            length: match vector.kind() {
                DeletionVectorKind::Bitmap32 => size,
                DeletionVectorKind::Bitmap64 => i32::try_from(body.len() + 2 * FIELD_BYTES).map_err(too_large)?,
            },
            cardinality: i64::try_from(vector.cardinality()).ok(),
        });
    }
    Ok((file, metas))
}

/// The vectors that the index file `bytes`, read from `path`, holds at `metas`, with the names of their data files.
pub fn decode_all(bytes: &[u8], metas: &[DeletionVectorMeta], path: &str) -> Result<Vec<(String, DeletionVector)>> {
    match bytes.first() {
        Some(&FILE_VERSION) => {}
        Some(other) => return Err(Error::unsupported(format!("{path}: deletion vectors of file version {other}"))),
        None => return Err(Error::corrupt(path, 0, "an index file of deletion vectors has a version at least")),
    }
    metas.iter().map(|meta| Ok((meta.data_file_name.clone(), decode_one(bytes, meta, path)?))).collect()
}

/// The vector that the index file `bytes`, read from `path`, holds at `meta`. [`crate::ErrorKind::Corrupt`] when there is none, or
/// another one than the meta or the checksum says.
pub fn decode_one(bytes: &[u8], meta: &DeletionVectorMeta, path: &str) -> Result<DeletionVector> {
    let offset = usize::try_from(meta.offset).unwrap_or(usize::MAX);
    let corrupt =
        |why: String| Error::corrupt(path, offset, format!("the deletion vector of {}: {why}", meta.data_file_name));
    let cut_off = || corrupt("it is cut off".to_owned());
    let (size, rest) =
        bytes.get(offset..).and_then(|rest| rest.split_first_chunk::<FIELD_BYTES>()).ok_or_else(cut_off)?;
    let size = usize::try_from(i32::from_be_bytes(*size)).map_err(|_| corrupt("its size is negative".to_owned()))?;
    let (body, rest) = rest.split_at_checked(size).ok_or_else(cut_off)?;
    let checksum = rest.first_chunk::<FIELD_BYTES>().ok_or_else(cut_off)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
        return Err(corrupt("its checksum is wrong".to_owned()));
    }
    let vector = DeletionVector::decode(body).map_err(corrupt)?;
    let length = match vector.kind() {
        DeletionVectorKind::Bitmap32 => size,
        DeletionVectorKind::Bitmap64 => size + 2 * FIELD_BYTES,
    };
    if i32::try_from(length) != Ok(meta.length) {
        return Err(corrupt(format!("the index manifest says {} bytes and it has {length}", meta.length)));
    }
    Ok(vector)
}
