//! Dataflow jobs over changelogs: sources, operators and the edges between them, on worker threads.
//!
//! Goes in: a program made of [`DataStream`]s. Comes out: a job that runs it. Elements are batches of changes, with watermarks in band. An
//! operator is one subtask on one thread, sees what each sender sent in its order, and never blocks; a slow one makes its senders wait,
//! so that memory is bounded. Underneath is timely dataflow, which nothing here shows.

pub mod aggregate;
mod credit;
mod dataflow;
pub mod element;
mod event_time;
mod graph;
mod incoming;
pub mod job;
pub mod key_group;
mod key_hash;
mod key_index;
mod map;
pub mod operator;
mod outgoing;
mod packet;
pub mod partitioner;
mod selection;
pub mod source;
mod source_task;
pub mod stream;
mod task;
mod termination;
pub mod watermark_strategy;
mod watermarks;
mod weight;
pub mod window;

pub use aggregate::Aggregate;
pub use element::{Element, MAX_WATERMARK};
pub use job::{JobHandle, JobOptions};
pub use key_group::{KEY_GROUPS, KeyGroup};
pub use operator::{Collector, Operator, Subtask};
pub use partitioner::Partitioning;
pub use source::{SourceReader, StreamReader};
pub use stream::{DataStream, KeyedStream, ProcessedStream, StreamEnvironment, WindowedStream};
pub use watermark_strategy::WatermarkStrategy;
pub use window::assigner::{TimeWindow, WindowAssigner};
