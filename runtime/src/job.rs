//! A job at work: worker threads that run its dataflow.
//!
//! Goes in: a graph and how many subtasks each operator has. Comes out: a handle that waits for the end, or brings it about. The threads
//! end with the handle. An error of one subtask, a panic too, ends all of them.

use alluvium_format::{Error, Result};
use timely::communication::{Config as Processes, WorkerGuards};
use timely::worker::Worker;
use timely::{Config, WorkerConfig};
use tokio::sync::oneshot;

use crate::dataflow::lay_out;
use crate::graph::JobGraph;
use crate::key_group::KEY_GROUPS;
use crate::termination::Termination;

/// How a job is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOptions {
    /// Subtasks of each operator, each on a thread of its own; 1 to [`KEY_GROUPS`].
    pub parallelism: usize,
    /// Bytes of rows that may be on the way from a subtask to another: it bounds memory while an operator is slow.
    pub edge_bytes: usize,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self { parallelism: 1, edge_bytes: 1 << 20 }
    }
}

/// A job that runs. Dropped, it is cancelled.
#[derive(Debug)]
pub struct JobHandle {
    termination: Termination,
    ended: oneshot::Receiver<Result<()>>,
}

impl JobHandle {
    /// Waits until all sources have ended and everything is done.
    ///
    /// # Errors
    /// What the job failed with: the first error of a subtask, named by its operator.
    pub async fn wait(mut self) -> Result<()> {
        match (&mut self.ended).await {
            Ok(result) => result,
            Err(_) => Err(Error::internal("the threads of a job ended without a word")),
        }
    }

    /// Stops the job where it is; [`Self::wait`] tells when it has stopped.
    pub fn cancel(&self) {
        self.termination.stop();
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        self.termination.stop();
    }
}

/// Starts a job.
pub(crate) fn start(name: &str, graph: JobGraph, options: &JobOptions) -> Result<JobHandle> {
    if !(1..=KEY_GROUPS).contains(&options.parallelism) {
        let what = format!("{name}: parallelism is {}: it is 1 to {KEY_GROUPS}", options.parallelism);
        return Err(Error::invalid(what));
    }
    let (termination, edge_bytes) = (Termination::default(), options.edge_bytes);
    let shared = termination.clone();
    let processes = match options.parallelism {
        1 => Processes::Thread,
        threads => Processes::Process(threads),
    };
    let config = Config { communication: processes, worker: WorkerConfig::default() };
    let workers = timely::execute(config, move |worker| run(worker, &graph, edge_bytes, &shared));
    let workers = workers.map_err(|why| Error::internal(format!("{name}: no worker threads: {why}")))?;
    let (tell, ended) = oneshot::channel();
    let last = termination.clone();
    let joining = std::thread::Builder::new().name(format!("{name}-end"));
    let joined = joining.spawn(move || drop(tell.send(join(workers, &last))));
    joined.map_err(|error| Error::internal(format!("{name}: no thread to wait for its workers")).with_source(error))?;
    Ok(JobHandle { termination, ended })
}

fn run(worker: &mut Worker, graph: &JobGraph, edge_bytes: usize, termination: &Termination) {
    termination.include_this_thread();
    let worked = termination.guard("a worker", || {
        lay_out(worker, graph, edge_bytes, termination)?;
        while worker.has_dataflows() && !termination.is_over() {
            worker.step_or_park(None);
        }
        Ok(())
    });
    if worked.is_none() || termination.is_over() {
        for dataflow in worker.installed_dataflows() {
            worker.drop_dataflow(dataflow);
        }
    }
}

fn join(workers: WorkerGuards<()>, termination: &Termination) -> Result<()> {
    let panicked = workers.join().into_iter().find_map(std::result::Result::err);
    match (termination.take_error(), panicked) {
        (Some(error), _) => Err(error),
        (None, Some(panic)) => Err(Error::internal(format!("a worker thread panicked: {panic}"))),
        (None, None) => Ok(()),
    }
}
