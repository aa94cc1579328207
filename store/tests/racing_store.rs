//! A store in memory in which everything takes a while, by a seed: operations of several tasks mix, and puts of snapshots may fail,
//! with their effect at once, never, or some operations later, as on a network that holds a request back.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How many operations later a put that is held back comes at most.
const LATE_OPERATIONS_MAX: usize = 60;
/// How many puts fail one after the other when the store is down: more than a commit tries.
const OUTAGE_PUTS: u32 = 10;
/// One failure in so many is an outage.
const OUTAGES_ONE_IN: u32 = 8;

struct Race {
    random: StdRng,
    /// One put of a snapshot in so many fails; 0: none.
    fails_one_in: u32,
    /// So many more puts of snapshots fail for certain.
    outage: u32,
    operations: usize,
    held_back: Vec<(usize, Path, PutPayload)>,
}

/// The store.
#[derive(Clone)]
pub(crate) struct RacingStore {
    inner: Arc<InMemory>,
    race: Arc<Mutex<Race>>,
}

/// What becomes of a put.
enum Fate {
    Fine,
    Lost,
    Late,
    Unacknowledged,
}

impl RacingStore {
    pub(crate) fn new(seed: u64, fails_one_in: u32) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let race = Race { random, fails_one_in, outage: 0, operations: 0, held_back: Vec::new() };
        Self { inner: Arc::new(InMemory::new()), race: Arc::new(Mutex::new(race)) }
    }

    /// The store itself, in which nothing takes a while or fails; what was held back is in.
    pub(crate) async fn settled(&self) -> Arc<dyn ObjectStore> {
        self.land(usize::MAX).await;
        Arc::clone(&self.inner) as Arc<dyn ObjectStore>
    }

    async fn take_a_while(&self) {
        let (turns, operations) = {
            let mut race = self.race.lock().unwrap();
            race.operations += 1;
            (race.random.random_range(0..4), race.operations)
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        self.land(operations).await;
    }

    async fn land(&self, now: usize) {
        let due: Vec<_> = {
            let mut race = self.race.lock().unwrap();
            let (due, later) = race.held_back.drain(..).partition(|(at, ..)| *at <= now);
            race.held_back = later;
            due
        };
        for (_, path, payload) in due {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let _ = self.inner.put_opts(&path, payload, options).await;
        }
    }

    fn fate(&self, path: &Path, payload: &PutPayload) -> Fate {
        let mut race = self.race.lock().unwrap();
        let is_snapshot = path.filename().is_some_and(|name| name.starts_with("snapshot-"));
        let fails_one_in = race.fails_one_in;
        if fails_one_in == 0 || !is_snapshot {
            return Fate::Fine;
        }
        let down = race.outage > 0;
        if !down && race.random.random_range(0..fails_one_in) > 0 {
            return Fate::Fine;
        }
        if !down && race.random.random_range(0..OUTAGES_ONE_IN) == 0 {
            race.outage = OUTAGE_PUTS;
        }
        race.outage = race.outage.saturating_sub(1);
        match race.random.random_range(0..3) {
            0 => Fate::Lost,
            1 if !down => Fate::Unacknowledged,
            _ => {
                let at = race.operations + race.random.random_range(1..LATE_OPERATIONS_MAX);
                race.held_back.push((at, path.clone(), payload.clone()));
                Fate::Late
            }
        }
    }
}

fn failed() -> Error {
    Error::Generic { store: "RacingStore", source: "the connection broke".into() }
}

#[async_trait]
impl ObjectStore for RacingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.take_a_while().await;
        match self.fate(location, &payload) {
            Fate::Fine => self.inner.put_opts(location, payload, options).await,
            Fate::Lost | Fate::Late => Err(failed()),
            Fate::Unacknowledged => {
                self.inner.put_opts(location, payload, options).await?;
                Err(failed())
            }
        }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.take_a_while().await;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    store.take_a_while().await;
                    store.inner.delete(&location).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.take_a_while().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.take_a_while().await;
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for RacingStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RacingStore")
    }
}

impl fmt::Display for RacingStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RacingStore")
    }
}
