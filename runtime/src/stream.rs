//! Streams of changes, as programs name them: Flink's DataStream.
//!
//! Goes in: sources, and what is to be done to what they bring. Comes out: the graph of a job, which is then run. Nothing happens before.

use std::sync::{Arc, Mutex, PoisonError};

use alluvium_format::{Error, Result};
use alluvium_reader::ChangeBatch;
use arrow_schema::SchemaRef;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;

use crate::aggregate::Aggregate;
use crate::element::Element;
use crate::event_time::EventTime;
use crate::graph::{Edge, JobGraph, Work};
use crate::job::{JobHandle, JobOptions, start};
use crate::operator::{Operator, Subtask};
use crate::partitioner::Partitioning;
use crate::source::{SourceReader, StreamReader};
use crate::watermark_strategy::{TimestampsAndWatermarks, WatermarkStrategy};
use crate::window::assigner::WindowAssigner;
use crate::window::window_aggregate::{LATE, WindowAggregate, WindowPlan};

/// Where streams begin, and where the job that they make is run.
#[derive(Clone, Default)]
pub struct StreamEnvironment {
    graph: Arc<Mutex<JobGraph>>,
}

impl std::fmt::Debug for StreamEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.with_graph(|graph| graph.nodes.iter().map(|node| node.name.clone()).collect());
        f.debug_struct("StreamEnvironment").field("operators", &names).finish()
    }
}

impl StreamEnvironment {
    /// One without streams.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the readers bring that `open` makes, one for each subtask, on its thread.
    ///
    /// # Errors
    /// `Invalid` where there is a source or operator of this name.
    pub fn source<R: SourceReader>(
        &self,
        name: &str,
        schema: SchemaRef,
        open: impl Fn(&Subtask) -> Result<R> + Send + Sync + 'static,
    ) -> Result<DataStream> {
        let open = move |subtask: &Subtask| Ok(Box::new(open(subtask)?) as Box<dyn SourceReader>);
        let node = self.with_graph(|graph| graph.add(name, Work::Source(Arc::new(open))))?;
        Ok(DataStream::of(self.clone(), Upstream { node, output: 0, partitioning: Partitioning::Forward }, schema))
    }

    /// What an async stream brings, read by the first subtask; the stream runs on `runtime`.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub fn from_stream(
        &self,
        name: &str,
        schema: SchemaRef,
        runtime: &Handle,
        stream: impl Stream<Item = Result<ChangeBatch>> + Send + 'static,
    ) -> Result<DataStream> {
        let elements = stream.map(|changes| changes.map(Element::Changes)).boxed();
        let (runtime, elements) = (runtime.clone(), Mutex::new(Some(elements)));
        self.source(name, schema, move |subtask| {
            let first = subtask.index == 0;
            let elements = elements.lock().unwrap_or_else(PoisonError::into_inner).take_if(|_| first);
            Ok(StreamReader::new(&runtime, elements.unwrap_or_else(|| futures::stream::empty().boxed())))
        })
    }

    /// Runs the job that the streams make.
    ///
    /// # Errors
    /// `Invalid` for options that cannot be.
    pub fn execute(&self, name: &str, options: &JobOptions) -> Result<JobHandle> {
        start(name, self.with_graph(|graph| graph.clone()), options)
    }

    fn with_graph<T>(&self, act: impl FnOnce(&mut JobGraph) -> T) -> T {
        act(&mut self.graph.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where a stream comes from.
#[derive(Clone, Debug)]
struct Upstream {
    node: usize,
    output: usize,
    partitioning: Partitioning,
}

/// A stream of changes of one schema.
#[derive(Clone, Debug)]
pub struct DataStream {
    environment: StreamEnvironment,
    upstreams: Vec<Upstream>,
    schema: SchemaRef,
}

impl DataStream {
    fn of(environment: StreamEnvironment, upstream: Upstream, schema: SchemaRef) -> Self {
        Self { environment, upstreams: vec![upstream], schema }
    }

    /// The columns of its rows.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the operator emits that `open` makes, one for each subtask, on its thread; of rows with these columns.
    ///
    /// # Errors
    /// `Invalid` where there is a source or operator of this name.
    pub fn process<O: Operator>(
        &self,
        name: &str,
        schema: SchemaRef,
        open: impl Fn(&Subtask) -> Result<O> + Send + Sync + 'static,
    ) -> Result<ProcessedStream> {
        self.environment.process(name, &[self], schema, open)
    }

    /// The rows that `map` makes of each batch, in order; it may be of other columns.
    ///
    /// # Errors
    /// As [`Self::process`].
    pub fn map(
        &self,
        name: &str,
        schema: SchemaRef,
        map: impl Fn(ChangeBatch) -> Result<ChangeBatch> + Send + Sync + 'static,
    ) -> Result<Self> {
        let map = Arc::new(map);
        Ok(self.process(name, schema, move |_| Ok(crate::map::Map::new(map.clone())))?.main())
    }

    /// The same with rows of a key brought together.
    ///
    /// # Errors
    /// `Invalid`, naming a column that there is not; when the job starts `Unsupported`, naming one that can be no key.
    pub fn key_by(&self, columns: &[&str]) -> Result<KeyedStream> {
        let place = |column: &&str| {
            let missing = || Error::invalid(format!("there is no column {column} to go by: {:?}", self.names()));
            self.schema.index_of(column).map_err(|_| missing())
        };
        let key = columns.iter().map(place).collect::<Result<Vec<_>>>()?;
        Ok(KeyedStream { stream: self.partitioned(Partitioning::KeyBy(key.clone())), key })
    }

    /// The same with watermarks that follow from the times of events: a column of timestamps, or of milliseconds.
    ///
    /// # Errors
    /// `Invalid` where there is no such column, or an operator of this name; `Unsupported` where the column is no time.
    pub fn assign_timestamps_and_watermarks(
        &self,
        name: &str,
        time: &str,
        strategy: WatermarkStrategy,
    ) -> Result<Self> {
        let time = EventTime::of(&self.schema, time)?;
        let open = move |_: &Subtask| Ok(TimestampsAndWatermarks::new(time.clone(), strategy));
        Ok(self.process(name, self.schema.clone(), open)?.main())
    }

    /// The same, with batches dealt out to all subtasks in turn.
    #[must_use]
    pub fn rebalance(&self) -> Self {
        self.partitioned(Partitioning::Rebalance)
    }

    /// The same, whole, at each subtask.
    #[must_use]
    pub fn broadcast(&self) -> Self {
        self.partitioned(Partitioning::Broadcast)
    }

    /// The same, all at the first subtask.
    #[must_use]
    pub fn global(&self) -> Self {
        self.partitioned(Partitioning::Global)
    }

    /// This one and another of the same columns as one; each keeps its order.
    ///
    /// # Errors
    /// `Invalid` where the columns are not the same.
    pub fn union(&self, other: &Self) -> Result<Self> {
        if self.schema.fields() != other.schema.fields() {
            let what = format!("streams of {:?} and of {:?} are no one stream", self.names(), other.names());
            return Err(Error::invalid(what));
        }
        let mut union = self.clone();
        union.upstreams.extend_from_slice(&other.upstreams);
        Ok(union)
    }

    fn names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn partitioned(&self, partitioning: Partitioning) -> Self {
        let mut stream = self.clone();
        for upstream in &mut stream.upstreams {
            upstream.partitioning = partitioning.clone();
        }
        stream
    }
}

/// A stream whose rows of a key are at one subtask.
#[derive(Clone, Debug)]
pub struct KeyedStream {
    stream: DataStream,
    key: Vec<usize>,
}

impl KeyedStream {
    /// As [`DataStream::process`]; an operator sees all rows of a key.
    ///
    /// # Errors
    /// As [`DataStream::process`].
    pub fn process<O: Operator>(
        &self,
        name: &str,
        schema: SchemaRef,
        open: impl Fn(&Subtask) -> Result<O> + Send + Sync + 'static,
    ) -> Result<ProcessedStream> {
        self.stream.process(name, schema, open)
    }

    /// For each key and window, once the watermark has passed its end: the key's columns, `window_start`, `window_end` and the aggregates.
    /// `time` is the column with the times of events. Rows only come into being.
    ///
    /// # Errors
    /// `Invalid` where a column is not there or named twice, or there is an operator of this name; `Unsupported` where a column is no time, no
    /// key, or nothing that can be aggregated so.
    pub fn window(
        &self,
        name: &str,
        time: &str,
        assigner: WindowAssigner,
        aggregates: &[Aggregate],
    ) -> Result<WindowedStream> {
        let late = self.stream.schema.clone();
        let plan = WindowPlan::new(late.clone(), self.key.clone(), time, assigner, aggregates)?;
        let open = {
            let plan = plan.clone();
            move |_: &Subtask| WindowAggregate::new(plan.clone())
        };
        Ok(WindowedStream { processed: self.process(name, plan.result, open)?, late })
    }

    /// The stream as inputs of other operators take it.
    #[must_use]
    pub fn stream(&self) -> &DataStream {
        &self.stream
    }
}

/// What windows give.
#[derive(Clone, Debug)]
pub struct WindowedStream {
    processed: ProcessedStream,
    late: SchemaRef,
}

impl WindowedStream {
    /// The rows of complete windows.
    #[must_use]
    pub fn main(&self) -> DataStream {
        self.processed.main()
    }

    /// The rows that came when all their windows were complete.
    #[must_use]
    pub fn late(&self) -> DataStream {
        self.processed.side_output(LATE, self.late.clone())
    }
}

impl StreamEnvironment {
    /// What an operator emits whose inputs are these streams, in this order.
    ///
    /// # Errors
    /// As [`DataStream::process`].
    pub fn process<O: Operator>(
        &self,
        name: &str,
        inputs: &[&DataStream],
        schema: SchemaRef,
        open: impl Fn(&Subtask) -> Result<O> + Send + Sync + 'static,
    ) -> Result<ProcessedStream> {
        let open = move |subtask: &Subtask| Ok(Box::new(open(subtask)?) as Box<dyn Operator>);
        let node = self.with_graph(|graph| {
            let node = graph.add(name, Work::Operator(Arc::new(open)))?;
            for (input, stream) in inputs.iter().enumerate() {
                graph.edges.extend(stream.upstreams.iter().map(|upstream| Edge {
                    from: upstream.node,
                    output: upstream.output,
                    to: node,
                    input,
                    partitioning: upstream.partitioning.clone(),
                    schema: stream.schema.clone(),
                }));
            }
            Ok::<usize, Error>(node)
        })?;
        Ok(ProcessedStream { environment: self.clone(), node, schema })
    }
}

/// What an operator emits: its main output and its side outputs.
#[derive(Clone, Debug)]
pub struct ProcessedStream {
    environment: StreamEnvironment,
    node: usize,
    schema: SchemaRef,
}

impl ProcessedStream {
    /// The main output.
    #[must_use]
    pub fn main(&self) -> DataStream {
        self.output(0, self.schema.clone())
    }

    /// A side output, from 1, of rows with these columns.
    #[must_use]
    pub fn side_output(&self, output: usize, schema: SchemaRef) -> DataStream {
        self.output(output, schema)
    }

    fn output(&self, output: usize, schema: SchemaRef) -> DataStream {
        let upstream = Upstream { node: self.node, output, partitioning: Partitioning::Forward };
        DataStream::of(self.environment.clone(), upstream, schema)
    }
}
