//! The radix tree over the upper 48 bits, with prefixes pressed together.
//!
//! Goes in: bytes, or keys one after the other. Comes out: leaves in key order, each with the index of its container; bytes. Invariants:
//! the children of an inner node are in the order of their bytes; a path never leads deeper than a key is long. A node grows to the next
//! kind when it is full, and a Node48 remembers in which order its children came, as Java writes that.
//! Answers to `org.roaringbitmap.art.Art` and its nodes.

use alluvium_format::Result;

use super::super::{ByteReader, Sketch, broken};
use super::Rbm64;

/// The upper 48 bits of a number, the highest byte first.
pub(super) type Key = [u8; KEY_BYTES];

const KEY_BYTES: usize = 6;

const NODE4: u8 = 0;
const NODE16: u8 = 1;
const NODE48: u8 = 2;
const NODE256: u8 = 3;
const LEAF: u8 = 4;

/// A byte that a node of 48 has no child for.
const NO_CHILD: u8 = 0xff;

/// Keys and the indices of their containers.
#[derive(Default)]
pub(super) struct RadixTree {
    root: Option<Node>,
}

enum Node {
    /// Java leaves a prefix with a leaf that took the place of its parent, and nobody reads it.
    Leaf {
        prefix: Vec<u8>,
        key: Key,
        slot: usize,
    },
    Inner {
        kind: u8,
        prefix: Vec<u8>,
        children: Vec<Child>,
    },
}

struct Child {
    byte: u8,
    /// Its place in a Node48.
    place: u8,
    node: Node,
}

impl RadixTree {
    /// Reads a tree that is not empty.
    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Result<Self> {
        let mut path = Vec::with_capacity(KEY_BYTES);
        Ok(Self { root: Some(read_node(bytes, &mut path)?) })
    }

    /// Writes the tree; nothing when it is empty.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if let Some(root) = &self.root {
            root.write(out);
        }
    }

    /// All keys in order, with the indices of their containers.
    pub(super) fn leaves(&self) -> std::vec::IntoIter<(Key, usize)> {
        let mut leaves = Vec::new();
        if let Some(root) = &self.root {
            root.push_leaves(&mut leaves);
        }
        leaves.into_iter()
    }

    /// The index of a key's container.
    pub(super) fn get(&self, key: Key) -> Option<usize> {
        let mut node = self.root.as_ref()?;
        let mut rest = key.as_slice();
        loop {
            match node {
                Node::Leaf { key: there, slot, .. } => return (*there == key).then_some(*slot),
                Node::Inner { prefix, children, .. } => {
                    let (byte, behind) = rest.strip_prefix(prefix.as_slice())?.split_first()?;
                    let at = children.binary_search_by_key(byte, |child| child.byte).ok()?;
                    node = &children[at].node;
                    rest = behind;
                }
            }
        }
    }

    /// Adds a key that is not there.
    pub(super) fn insert(&mut self, key: Key, slot: usize) {
        self.root = Some(match self.root.take() {
            None => Node::leaf(key, slot),
            Some(root) => root.with(key, 0, slot),
        });
    }
}

impl Node {
    fn leaf(key: Key, slot: usize) -> Self {
        Self::Leaf { prefix: Vec::new(), key, slot }
    }

    /// The node with one more leaf below it; `depth` bytes of the key lead to it.
    fn with(self, key: Key, depth: usize, slot: usize) -> Self {
        let leaf = Self::leaf(key, slot);
        match self {
            Self::Leaf { key: there, slot: own, .. } => {
                let common = common_length(&there[depth..], &key[depth..]);
                let next = (there.get(depth + common), key.get(depth + common));
                Self::leaf(there, own).beside(leaf, &key[depth..depth + common], next)
            }
            Self::Inner { kind, mut prefix, children } => {
                let common = common_length(&prefix, &key[depth..]);
                let next = depth + common;
                if common < prefix.len() {
                    let byte = prefix[common];
                    let rest = prefix.split_off(common + 1);
                    let old = Self::Inner { kind, prefix: rest, children };
                    return old.beside(leaf, &prefix[..common], (Some(&byte), key.get(next)));
                }
                let inner = Inner { kind, children };
                let Inner { kind, children } = match key.get(next) {
                    Some(byte) => inner.with_child(*byte, key, (next + 1, slot)),
                    None => inner,
                };
                Self::Inner { kind, prefix, children }
            }
        }
    }

    /// A node over this one and another; they differ in the byte behind `prefix`.
    fn beside(self, leaf: Self, prefix: &[u8], bytes: (Option<&u8>, Option<&u8>)) -> Self {
        let (Some(own), Some(other)) = bytes else { return self };
        let mut children =
            vec![Child { byte: *own, place: 0, node: self }, Child { byte: *other, place: 1, node: leaf }];
        children.sort_by_key(|child| child.byte);
        Self::Inner { kind: NODE4, prefix: prefix.to_vec(), children }
    }

    fn push_leaves(&self, leaves: &mut Vec<(Key, usize)>) {
        match self {
            Self::Leaf { key, slot, .. } => leaves.push((*key, *slot)),
            Self::Inner { children, .. } => children.iter().for_each(|child| child.node.push_leaves(leaves)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Leaf { prefix, key, slot } => {
                write_header(LEAF, 0, prefix, out);
                out.extend_from_slice(key);
                out.extend_from_slice(&(*slot as u64).to_le_bytes());
            }
            Self::Inner { kind, prefix, children } => {
                write_header(*kind, children.len(), prefix, out);
                write_bytes(*kind, children, out);
                children.iter().for_each(|child| child.node.write(out));
            }
        }
    }
}

/// An inner node without its prefix.
struct Inner {
    kind: u8,
    children: Vec<Child>,
}

impl Inner {
    /// The node with a leaf below the child of `byte`, or with it as one more child.
    fn with_child(mut self, byte: u8, key: Key, (depth, slot): (usize, usize)) -> Self {
        match self.children.binary_search_by_key(&byte, |child| child.byte) {
            Ok(at) => {
                let Child { place, node, .. } = self.children.remove(at);
                self.children.insert(at, Child { byte, place, node: node.with(key, depth, slot) });
            }
            Err(at) => {
                self.grow_if_full();
                let place = self.free_place();
                self.children.insert(at, Child { byte, place, node: Node::leaf(key, slot) });
            }
        }
        self
    }

    fn grow_if_full(&mut self) {
        self.kind = match (self.kind, self.children.len()) {
            (NODE4, 4) => NODE16,
            (NODE16, 16) => {
                (0..).zip(&mut self.children).for_each(|(place, child)| child.place = place);
                NODE48
            }
            (NODE48, 48) => NODE256,
            (kind, _) => kind,
        };
    }

    /// Where a Node48 puts one more child: behind the others, or where one was removed.
    fn free_place(&self) -> u8 {
        let is_free = |place: &u8| self.children.iter().all(|child| child.place != *place);
        let behind = u8::try_from(self.children.len()).unwrap_or(u8::MAX);
        if is_free(&behind) { behind } else { (0..behind).find(is_free).unwrap_or(behind) }
    }
}

fn common_length(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn write_header(kind: u8, children: usize, prefix: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&u16::try_from(children).unwrap_or(u16::MAX).to_le_bytes());
    out.push(u8::try_from(prefix.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(prefix);
}

/// The bytes that lead to the children. Java packs them into numbers from the top, so they lie backwards in each.
fn write_bytes(kind: u8, children: &[Child], out: &mut Vec<u8>) {
    match kind {
        NODE4 | NODE16 => {
            let mut bytes = vec![0; if kind == NODE4 { 4 } else { 16 }];
            for (at, child) in bytes.iter_mut().zip(children) {
                *at = child.byte;
            }
            bytes.chunks_mut(8).for_each(<[u8]>::reverse);
            out.extend_from_slice(&bytes);
        }
        NODE48 => {
            let mut places = [NO_CHILD; 256];
            for child in children {
                places[usize::from(child.byte)] = child.place;
            }
            places.chunks_mut(8).for_each(<[u8]>::reverse);
            out.extend_from_slice(&places);
        }
        _ => {
            let mut bits = [0_u8; 32];
            for child in children {
                bits[usize::from(child.byte / 8)] |= 1 << (child.byte % 8);
            }
            out.extend_from_slice(&bits);
        }
    }
}

/// Reads a node and all below it; `path` are the bytes that lead to it.
fn read_node(bytes: &mut ByteReader<'_>, path: &mut Vec<u8>) -> Result<Node> {
    let kind = bytes.u8()?;
    let count = usize::from(bytes.u16()?);
    let prefix_bytes = usize::from(bytes.u8()?);
    let prefix = bytes.take(prefix_bytes)?.to_vec();
    if kind == LEAF {
        let key = Key::try_from(bytes.take(KEY_BYTES)?).map_err(|why| broken(Rbm64::FUNCTION, why))?;
        let slot = usize::try_from(bytes.u64()?).map_err(|why| broken(Rbm64::FUNCTION, why))?;
        if !key.starts_with(path) {
            return Err(broken(Rbm64::FUNCTION, "a key is not where its bytes lead"));
        }
        return Ok(Node::Leaf { prefix, key, slot });
    }
    let depth = path.len();
    if depth + prefix.len() >= KEY_BYTES {
        return Err(broken(Rbm64::FUNCTION, "a path is longer than a key"));
    }
    path.extend_from_slice(&prefix);
    let places = read_bytes(kind, count, bytes)?;
    if places.len() != count || count == 0 {
        return Err(broken(Rbm64::FUNCTION, format!("a node of {count} children names {}", places.len())));
    }
    let mut children = Vec::with_capacity(count);
    for (byte, place) in places {
        path.push(byte);
        children.push(Child { byte, place, node: read_node(bytes, path)? });
        path.pop();
    }
    path.truncate(depth);
    Ok(Node::Inner { kind, prefix, children })
}

/// The bytes that lead to the children of a node, ascending, with their places.
fn read_bytes(kind: u8, count: usize, bytes: &mut ByteReader<'_>) -> Result<Vec<(u8, u8)>> {
    let pairs: Vec<(u8, u8)> = match kind {
        NODE4 | NODE16 => {
            let mut packed = bytes.take(if kind == NODE4 { 4 } else { 16 })?.to_vec();
            packed.chunks_mut(8).for_each(<[u8]>::reverse);
            packed.into_iter().take(count).zip(0..).collect()
        }
        NODE48 => {
            let mut places = bytes.take(256)?.to_vec();
            places.chunks_mut(8).for_each(<[u8]>::reverse);
            (0..=u8::MAX).zip(places).filter(|(_, place)| *place != NO_CHILD).collect()
        }
        NODE256 => {
            let bits = bytes.take(32)?;
            let is_set = |byte: &u8| bits[usize::from(byte / 8)] >> (byte % 8) & 1 == 1;
            (0..=u8::MAX).filter(is_set).map(|byte| (byte, 0)).collect()
        }
        _ => return Err(broken(Rbm64::FUNCTION, format!("there is no node of kind {kind}"))),
    };
    if !pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(broken(Rbm64::FUNCTION, "the children of a node are not in order"));
    }
    Ok(pairs)
}
