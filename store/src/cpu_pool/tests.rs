//! Pieces run on few threads, in order, and come to their end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

use super::*;

fn pool(threads: usize) -> CpuPool {
    CpuPool::new(NonZero::new(threads).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_pieces_at_a_time_than_threads() {
    let (pool, running) = (pool(3), Arc::new(AtomicUsize::new(0)));
    let pieces = (0..200).map(|number| {
        let running = Arc::clone(&running);
        pool.run(async move {
            assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok((number, std::thread::current().id()))
        })
    });
    let done: Vec<(usize, ThreadId)> = futures::future::try_join_all(pieces).await.unwrap();
    assert!(done.iter().map(|(number, _)| *number).eq(0..200));
    assert!(done.iter().map(|(_, thread)| format!("{thread:?}")).collect::<BTreeSet<_>>().len() <= 3);
}

#[tokio::test]
async fn a_piece_may_await_the_runtime() {
    let pool = pool(1);
    let slept = pool.run(async {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(tokio::spawn(async { 7 }).await.unwrap())
    });
    assert_eq!(slept.await.unwrap(), 7);
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_pool_goes_on() {
    let pool = pool(1);
    let error = pool.run(async { if true { panic!("seven") } else { Ok(()) } }).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Internal && error.to_string().contains("seven"), "{error}");
    assert_eq!(pool.run(async { Ok(1) }).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_not_begun_but_ended() {
    let pool = pool(1);
    let (begun, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let first = tokio::spawn({
        let (pool, begun, release) = (pool.clone(), Arc::clone(&begun), Arc::clone(&release));
        let first = async move {
            begun.fetch_add(1, Ordering::SeqCst);
            release.notified().await;
            begun.fetch_add(10, Ordering::SeqCst);
            Ok(())
        };
        async move { pool.run(first).await }
    });
    while begun.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let second = Arc::clone(&begun);
    let mut never = Box::pin(pool.run(async move { Ok(second.fetch_add(100, Ordering::SeqCst)) }));
    assert!(futures::poll!(&mut never).is_pending());
    drop(never);
    first.abort();
    release.notify_one();
    assert_eq!(pool.run(async { Ok(3) }).await.unwrap(), 3);
    assert_eq!(begun.load(Ordering::SeqCst), 11);
}

#[tokio::test]
async fn threads_end_with_the_pool() {
    let pool = pool(2);
    pool.run(async { Ok(()) }).await.unwrap();
    let left = Arc::downgrade(&pool.owner.pool);
    drop(pool);
    while left.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}
