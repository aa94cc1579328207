//! The compaction of tables without a primary key: small files become larger ones, and deleted rows go.
//!
//! Goes in: the files of a bucket. Comes out: fewer files with the same rows. [`queue`] picks where rows have an order, which is that of
//! the bucket's files; [`coordinator`] packs where they have none, as in tables without buckets; both are pure. [`AppendCompaction`] and
//! [`UnawareCompaction`] work beside a writer, `AppendTask` by itself. Answers to `org.apache.paimon.append`.

mod compaction;
pub mod coordinator;
mod file_rows;
pub mod queue;
mod rewrite;
mod rules;
mod settings;
mod task;
mod unaware_compaction;

pub use compaction::AppendCompaction;
pub(crate) use file_rows::FileRows;
pub use rules::AppendRules;
pub use settings::AppendSettings;
pub(crate) use task::AppendTask;
pub(crate) use unaware_compaction::IDLE_ROUNDS_MAX;
pub use unaware_compaction::UnawareCompaction;

#[cfg(test)]
mod tests;
