//! `rbm64`: a set of 64-bit numbers as Java's `Roaring64Bitmap` serialises it: a radix tree of the upper 48 bits over containers of the
//! lower 16.
//!
//! ```text
//! u8 1 (0: empty, and no more) | u64 keys | nodes, each before its children | containers
//! node: u8 kind (0 Node4, 1 Node16, 2 Node48, 3 Node256, 4 leaf) | u16 children | u8 n, n bytes of prefix | by kind
//! containers: u32 lists | each: i8 -2, u32 slots, each: u8 0 | u8 1, u8 kind (0 runs, 1 bits, 2 array), u32 values, data
//!             | u64 containers | u32 last list | u32 last slot
//! ```
//! Numbers are little-endian. Read in: the leaves, with their containers. Written out: the same tree and containers that Java has after it
//! added the keys of the later set that are new, one after the other.
//! Answers to `org.apache.paimon.utils.RoaringBitmap64` and `org.roaringbitmap.art.Art`.

mod container;
mod radix_tree;

use alluvium_format::Result;

use super::{ByteReader, Sketch, broken};
use container::Container;
use radix_tree::{Key, RadixTree};

const EMPTY: u8 = 0;
const NOT_EMPTY: u8 = 1;
/// Java's mark of a list of containers; it never writes the other one.
const NOT_TRIMMED: u8 = 0xfe;

/// A set of 64-bit numbers.
#[derive(Default)]
pub(crate) struct Rbm64 {
    tree: RadixTree,
    /// The container of each leaf, by the leaf's index; Java's list has more room than it fills.
    slots: Vec<Option<Container>>,
    /// Where the last container was put.
    last_slot: usize,
}

impl Sketch for Rbm64 {
    const FUNCTION: &'static str = "rbm64";

    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut bytes = ByteReader::new(Self::FUNCTION, bytes);
        match bytes.u8()? {
            EMPTY => return Ok(Self::default()),
            NOT_EMPTY => {}
            tag => return Err(broken(Self::FUNCTION, format!("it begins with {tag}"))),
        }
        bytes.u64()?;
        let tree = RadixTree::read(&mut bytes)?;
        let mut slots = Vec::new();
        let lists = bytes.u32()?;
        if lists > 1 {
            return Err(broken(Self::FUNCTION, format!("{lists} lists of containers are more than one can hold")));
        }
        for _ in 0..lists {
            bytes.u8()?;
            for _ in 0..bytes.u32()? {
                slots.push(if bytes.u8()? == 0 { None } else { Some(Container::read(&mut bytes)?) });
            }
        }
        bytes.u64()?;
        bytes.u32()?;
        let last_slot = bytes.u32()? as usize;
        let is_filled = |slot: usize| slots.get(slot).is_some_and(Option::is_some);
        if !tree.leaves().all(|(_, slot)| is_filled(slot)) || last_slot >= slots.len() {
            return Err(broken(Self::FUNCTION, "a key has no container"));
        }
        Ok(Self { tree, slots, last_slot })
    }

    fn unite(mut self, mut later: Self) -> Result<Self> {
        for (key, slot) in later.tree.leaves() {
            let Some(container) = later.slots.get_mut(slot).and_then(Option::take) else { continue };
            match self.tree.get(key).and_then(|slot| self.slots.get_mut(slot)).and_then(Option::as_mut) {
                Some(there) => there.unite(container),
                None => self.add(key, container),
            }
        }
        self.slots.iter_mut().flatten().for_each(Container::optimize);
        Ok(self)
    }

    fn serialize(self) -> Result<Vec<u8>> {
        if self.slots.is_empty() {
            return Ok(vec![EMPTY]);
        }
        let count = self.slots.iter().flatten().count() as u64;
        let mut out = vec![NOT_EMPTY];
        out.extend_from_slice(&count.to_le_bytes());
        self.tree.write(&mut out);
        out.extend_from_slice(&1_u32.to_le_bytes());
        out.push(NOT_TRIMMED);
        out.extend_from_slice(&length(self.slots.len()));
        for slot in &self.slots {
            match slot {
                None => out.push(0),
                Some(container) => {
                    out.push(1);
                    container.write(&mut out);
                }
            }
        }
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&length(self.last_slot));
        Ok(out)
    }
}

impl Rbm64 {
    /// Adds a key that is new. The list of containers grows by half, as Java's does.
    fn add(&mut self, key: Key, container: Container) {
        let slot = if self.slots.is_empty() { 0 } else { self.last_slot + 1 };
        if slot >= self.slots.len() {
            let grown = self.slots.len() + self.slots.len() / 2;
            self.slots.resize_with(grown.max(slot + 1), || None);
        }
        self.slots[slot] = Some(container);
        self.last_slot = slot;
        self.tree.insert(key, slot);
    }
}

/// A length as Java writes it, in 32 bits.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}
