//! What is reserved never passes what there is, and whoever waits is served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const MIB: usize = 1 << 20;

#[test]
fn what_is_dropped_is_free_again() {
    let budget = MemoryBudget::new(64 * MIB);
    let mut held = budget.try_reserve(10 * MIB).unwrap();
    assert_eq!((budget.used_bytes(), held.bytes()), (10 * MIB, 10 * MIB));
    assert!(held.try_resize(20 * MIB) && held.try_resize(5 * MIB));
    let half = held.split(2 * MIB).unwrap();
    assert_eq!((held.bytes(), half.bytes(), budget.used_bytes()), (2 * MIB, 3 * MIB, 5 * MIB));
    drop(half);
    drop(held);
    assert_eq!((budget.used_bytes(), budget.peak_bytes()), (0, 20 * MIB));
}

#[tokio::test]
async fn a_part_is_kept_for_those_that_wait() {
    let budget = MemoryBudget::new(64 * MIB);
    let mut most = budget.try_reserve(48 * MIB).unwrap();
    assert!(budget.try_reserve(1).is_none() && !most.try_resize(49 * MIB));
    assert_eq!(most.bytes(), 48 * MIB, "what is refused changes nothing");
    let waited = budget.reserve(usize::MAX).await.unwrap();
    assert_eq!((waited.bytes(), budget.used_bytes()), (16 * MIB, 64 * MIB));
    drop(most);
    assert!(budget.try_reserve(48 * MIB).is_some() && budget.try_reserve(49 * MIB).is_none());
}

#[tokio::test]
async fn while_somebody_waits_nobody_else_gets_more() {
    let budget = MemoryBudget::new(64 * MIB);
    let first = budget.reserve(16 * MIB).await.unwrap();
    let elastic = budget.try_reserve(40 * MIB).unwrap();
    assert!(!budget.is_short());
    let waits = tokio::spawn({
        let budget = budget.clone();
        async move { budget.reserve(16 * MIB).await.unwrap() }
    });
    while !budget.is_short() {
        tokio::task::yield_now().await;
    }
    assert!(budget.try_reserve(MIB).is_none(), "8 MiB are free, and waited for");
    drop(elastic);
    drop(first);
    assert_eq!(waits.await.unwrap().bytes(), 16 * MIB);
    assert!(!budget.is_short());
}

#[tokio::test]
async fn who_stops_waiting_leaves_nothing_behind() {
    let budget = MemoryBudget::new(64 * MIB);
    let held: Vec<_> = futures::future::join_all((0..4).map(|_| budget.reserve(16 * MIB))).await;
    let mut waits = Box::pin(budget.reserve(16 * MIB));
    assert!(futures::poll!(&mut waits).is_pending() && budget.is_short());
    drop(waits);
    assert!(!budget.is_short());
    drop(held);
    assert_eq!(budget.used_bytes(), 0);
}

/// Buffers that hold for ever, reads that come and go, and compactions that wait: all of them come to their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stress_of_holders_never_passes_the_budget_nor_hangs() {
    let budget = MemoryBudget::new(64 * MIB);
    let really_used = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..24 {
        let (budget, used) = (budget.clone(), Arc::clone(&really_used));
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut kept: Option<MemoryReservation> = None;
            for _ in 0..400 {
                let bytes = random.random_range(1..20 * MIB);
                let reserved = match seed % 3 {
                    // A compaction.
                    0 => Some(budget.reserve(bytes).await.unwrap()),
                    // A read.
                    1 => budget.try_reserve(bytes),
                    // A buffer, which gives back only when somebody waits, and then not always.
                    _ => {
                        let grown = match &mut kept {
                            None => {
                                kept = budget.try_reserve(bytes);
                                kept.is_some()
                            }
                            Some(held) if budget.is_short() && random.random_bool(0.5) => held.try_resize(MIB),
                            Some(held) => held.try_resize(held.bytes() + bytes),
                        };
                        let _ = grown;
                        None
                    }
                };
                if let Some(reserved) = reserved {
                    let now = used.fetch_add(reserved.bytes(), Ordering::SeqCst) + reserved.bytes();
                    assert!(now <= budget.bytes_max(), "{now} bytes");
                    tokio::task::yield_now().await;
                    used.fetch_sub(reserved.bytes(), Ordering::SeqCst);
                }
                tokio::task::yield_now().await;
            }
            kept
        });
    }
    let kept = tasks.join_all().await;
    let held: usize = kept.iter().flatten().map(MemoryReservation::bytes).sum();
    assert_eq!(budget.used_bytes(), held);
    assert!(budget.peak_bytes() <= budget.bytes_max());
    drop(kept);
    assert_eq!(budget.used_bytes(), 0);
}

proptest! {
    #[test]
    fn the_count_is_right_after_any_moves(moves in prop::collection::vec((0..4u8, 0..30 * MIB, any::<prop::sample::Index>()), 0..60)) {
        let budget = MemoryBudget::new(64 * MIB);
        let mut held: Vec<MemoryReservation> = Vec::new();
        for (kind, bytes, at) in moves {
            match kind {
                0 => held.extend(budget.try_reserve(bytes)),
                _ if held.is_empty() => {}
                1 => drop(held.swap_remove(at.index(held.len()))),
                2 => {
                    let at = at.index(held.len());
                    let before = held[at].bytes();
                    let done = held[at].try_resize(bytes);
                    prop_assert_eq!(held[at].bytes(), if done { bytes.div_ceil(1024) * 1024 } else { before });
                }
                _ => {
                    let at = at.index(held.len());
                    let rest = held[at].split(bytes);
                    held.extend(rest);
                }
            }
            let sum: usize = held.iter().map(MemoryReservation::bytes).sum();
            prop_assert_eq!(budget.used_bytes(), sum);
            prop_assert!(sum <= 48 * MIB);
        }
        drop(held);
        prop_assert_eq!(budget.used_bytes(), 0);
        prop_assert!(budget.try_reserve(48 * MIB).is_some());
    }
}
