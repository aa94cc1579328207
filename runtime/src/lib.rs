//! Dataflow jobs over changelogs: sources, operators and the edges between them, on worker threads.
//!
//! Goes in: a program made of [`DataStream`]s. Comes out: a job that runs it. Elements are batches of changes, with watermarks in band. An
//! operator is one subtask on one thread, sees what each sender sent in its order, and never blocks; a slow one makes its senders wait,
//! so that memory is bounded. Underneath is timely dataflow, which nothing here shows.

mod credit;
mod dataflow;
pub mod element;
mod graph;
mod incoming;
pub mod job;
pub mod key_group;
mod key_hash;
mod map;
pub mod operator;
mod outgoing;
mod packet;
pub mod partitioner;
pub mod source;
mod source_task;
pub mod stream;
mod task;
mod termination;
mod watermarks;
mod weight;

pub use element::{Element, MAX_WATERMARK};
pub use job::{JobHandle, JobOptions};
pub use key_group::{KEY_GROUPS, KeyGroup};
pub use operator::{Collector, Operator, Subtask};
pub use partitioner::Partitioning;
pub use source::{SourceReader, StreamReader};
pub use stream::{DataStream, ProcessedStream, StreamEnvironment};
