#![doc = include_str!("../README.md")]

mod catalog;
mod compact;
mod compact_tables;
mod consumers_table;
mod get;
mod read;
mod rescale;
mod system_table;
mod table;
mod tail;
mod write;

pub use alluvium_compaction::{
    BucketOutlook, CompactReport, FileIndexReport, FleetEvent, FleetScope, FleetSummary, OrderStrategy, TableOutlook,
    strategy,
};
pub use alluvium_format as format;
pub use alluvium_format::{
    BinaryRow, ColumnPath, CoreOptions, DataField, DataType, Datum, Error, ErrorKind, Nullability, Place, Predicate,
    Result, RowKind, SchemaChange, SchemaDefinition, Snapshot, TableSchema,
};
pub use alluvium_reader::{
    BatchPlan, ChangeBatch, ChangeLog, ChangesBetween, ExpiredSnapshots, PointReader, PointRows, StartupMode,
    StreamPosition, Tail, TailEvent, TimeTravel,
};
#[cfg(feature = "runtime")]
pub use alluvium_runtime as runtime;
pub use alluvium_store::{
    BeforeVectors, Committed, EmptyCommits, ExternalStores, LocalDisk, LookedUp, MemoryBudget, OverwriteScope, Publish,
    TableName,
};
pub use alluvium_writer::rescale::RescaleReport;
pub use alluvium_writer::{CommitExtras, CompactionWait, WriteMode, WriteOptions};
pub use {arrow_array, arrow_schema, object_store};

pub use catalog::FileSystemCatalog;
pub use compact::Compact;
pub use compact_tables::CompactTables;
pub use consumers_table::ConsumersTable;
pub use get::Get;
pub use read::Read;
pub use rescale::Rescale;
pub use system_table::SystemTable;
pub use table::Table;
pub use tail::TableTail;
pub use write::StreamWrite;
