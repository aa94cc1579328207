//! Object storage: the only room that touches bytes at rest, and the only door for commits.
//!
//! [`TableIo`] reads and writes files below a folder of any object store; [`FileSystemCatalog`] finds databases and tables;
//! [`TableStore`] is one table with its stores of schemas, snapshots, manifests, tags and consumers; a scan turns a snapshot into the
//! files it has; a commit publishes new ones. Time and names come from [`Clock`] and [`FileNamer`].

pub mod announcements;
mod block_codec;
pub mod catalog;
pub mod clock;
pub mod commit;
pub mod consumer_store;
pub mod cpu_pool;
pub mod data_file;
pub mod default_value;
pub mod deletion_vectors;
mod external_files;
pub mod external_stores;
pub mod file_location;
pub mod file_namer;
mod file_paths;
mod folder_watch;
pub mod hash_index_files;
pub mod index_files;
pub mod key_index;
pub mod local_disk;
pub mod looked_up;
pub mod lookup;
pub mod manifest_store;
mod manifest_weight;
pub mod memory_budget;
pub mod merge_read;
pub mod scan;
pub mod schema_change;
pub mod schema_store;
pub mod snapshot_store;
pub mod spill;
mod store_error;
mod store_place;
pub mod table_io;
pub mod table_store;
pub mod tag_store;

pub use announcements::SnapshotBell;
pub use catalog::{FileSystemCatalog, TableName};
pub use clock::{Clock, SystemClock};
pub use commit::{Committable, Committed, EmptyCommits, FileStoreCommit, OverwriteScope};
pub use cpu_pool::CpuPool;
pub use data_file::{
    DataFileBatch, DataFileRead, DataFileReader, DataFileSpec, FileContent, PartitionBucket, RollingFileWriter,
    SystemColumns, rewrite_indexes, select_rows,
};
pub use default_value::default_value;
pub use deletion_vectors::{BucketDeletionVectors, DeletionVectors};
pub use external_stores::ExternalStores;
pub use file_location::FileLocation;
pub use file_namer::{FileNamer, RandomNamer};
pub use key_index::{KeyHash, KeyIndex, KeyIndexLimits, KeyPlace};
pub use local_disk::{LocalDisk, LocalFile, LocalFileWriter};
pub use looked_up::{BeforeVectors, LookedUp};
pub use memory_budget::{MemoryBudget, MemoryReservation};
pub use merge_read::MergeRead;
pub use spill::{SpillWriter, SpilledBatch};
pub use table_io::{Publish, PutOutcome, TableIo};
pub use table_store::TableStore;
