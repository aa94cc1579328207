//! Random keys put and found again, with few of them in memory, against a map.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashMap;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;
use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::file_namer::RandomNamer;
use crate::table_io::Publish;

fn io() -> TableIo {
    TableIo::new(Arc::new(InMemory::new()), Path::from(""), Publish::ConditionalPut)
}

/// Few keys, so that they come again; some are spread over all of the range, some are neighbours.
fn spread(key: u16) -> KeyHash {
    let key = u128::from(key);
    if key % 3 == 0 { key } else { key.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_place_of_a_key_is_found(
        batches in prop::collection::vec(prop::collection::vec((0..3000u16, any::<u32>(), any::<u16>()), 0..500), 1..12),
        keys_max in prop_oneof![1..40usize, 100..2000usize],
    ) {
        let (mut index, mut model) = (KeyIndex::new(&io(), KeyIndexLimits { keys_max, ttl_millis: None }), HashMap::new());
        for batch in batches {
            let keys: Vec<KeyHash> = batch.iter().map(|(key, ..)| spread(*key)).collect();
            let expected: Vec<_> = keys.iter().map(|key| model.get(key).copied()).collect();
            prop_assert_eq!(index.find(&keys).unwrap(), expected);
            for (key, partition, bucket) in batch {
                let place = KeyPlace { partition, bucket };
                index.put(spread(key), place).unwrap();
                model.insert(spread(key), place);
            }
        }
        let keys: Vec<KeyHash> = (0..3000).map(spread).collect();
        let expected: Vec<_> = keys.iter().map(|key| model.get(key).copied()).collect();
        prop_assert_eq!(index.find(&keys).unwrap(), expected);
        prop_assert_eq!(index.is_empty(), model.is_empty());
        prop_assert!(index.len().0 <= keys_max);
        // Each is more than twice the next.
        prop_assert!(index.runs.len() <= 12, "{} runs", index.runs.len());
    }
}

#[test]
fn goes_to_the_disk_where_there_is_no_memory() {
    let io = io();
    let free = io.memory().bytes_max() - io.memory().kept_bytes();
    let others = io.memory().try_reserve(free).unwrap();
    let mut index = KeyIndex::new(&io, KeyIndexLimits::of(&io, None));
    let place = |key: u32| KeyPlace { partition: key, bucket: (key % 7) as u16 };
    let hash = |key: u32| u128::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    (0..50_000).for_each(|key| index.put(hash(key), place(key)).unwrap());
    let (in_memory, on_disk) = index.len();
    assert!(in_memory <= UNASKED_KEYS && on_disk > 0, "{in_memory} {on_disk}");
    drop(others);
    (50_000..100_000).for_each(|key| index.put(hash(key), place(key)).unwrap());
    assert!(index.len().0 > UNASKED_KEYS);
    let keys: Vec<u32> = (0..100_000).step_by(7).collect();
    let found = index.find(&keys.iter().map(|key| hash(*key)).collect::<Vec<_>>()).unwrap();
    assert!(keys.iter().zip(found).all(|(key, found)| found == Some(place(*key))));
}

/// A clock that is put forward.
#[derive(Debug, Default)]
struct Hand(std::sync::atomic::AtomicI64);

impl Clock for Hand {
    fn now_millis(&self) -> i64 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn local_millis(&self) -> i64 {
        self.now_millis()
    }

    fn millis_of_local(&self, local: i64) -> i64 {
        local
    }
}

#[test]
fn keys_are_forgotten_after_a_while() {
    let hand = Arc::new(Hand::default());
    let io = io().with_clock_and_namer(Arc::clone(&hand) as Arc<dyn Clock>, Arc::new(RandomNamer));
    let mut index = KeyIndex::new(&io, KeyIndexLimits { keys_max: 100, ttl_millis: Some(1000) });
    let place = KeyPlace { partition: 1, bucket: 1 };
    let mut put = |keys: std::ops::Range<u128>, millis: i64| {
        hand.0.store(millis, std::sync::atomic::Ordering::SeqCst);
        keys.into_iter().for_each(|key| index.put(key, place).unwrap());
        let found = index.find(&(0..500).collect::<Vec<_>>()).unwrap();
        found.iter().filter(|found| found.is_some()).count()
    };
    assert_eq!(put(0..100, 0), 100);
    // Those that are in memory are not looked at before they go to the disk.
    assert_eq!(put(100..140, 900), 140);
    assert_eq!(put(140..200, 5000), 100);
    // Merged, they are as young as the youngest.
    assert_eq!(put(200..300, 5900), 200);
    assert_eq!(put(300..400, 6800), 300);
    assert_eq!(put(400..500, 9000), 100);
}
