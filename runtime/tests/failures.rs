//! An error of one subtask ends the job, by name, and nothing hangs.

use std::task::{Context, Poll};

use alluvium_format::{Error, Result};
use alluvium_reader::ChangeBatch;
use alluvium_runtime::{Collector, Element, JobHandle, JobOptions, Operator, SourceReader, StreamEnvironment};
use tokio::runtime::Runtime;

use crate::rows::{Scripted, batch, schema};

/// Never ends, and has nothing.
struct Silent;

impl SourceReader for Silent {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Option<Element>>> {
        Poll::Pending
    }
}

/// Fails at the first row.
struct Fail {
    panics: bool,
}

impl Operator for Fail {
    fn on_changes(&mut self, _: usize, _: ChangeBatch, _: &mut Collector) -> Result<()> {
        assert!(!self.panics, "a row too much");
        Err(Error::invalid("no such row"))
    }
}

fn job(panics: bool) -> JobHandle {
    let environment = StreamEnvironment::new();
    let rows = environment
        .source("rows", schema(), |subtask| {
            let rows = if subtask.index == 1 { vec![Element::Changes(batch(&[(1, 1)]))] } else { Vec::new() };
            Ok(Scripted(rows.into_iter()))
        })
        .unwrap();
    let silent = environment.source("silent", schema(), |_| Ok(Silent)).unwrap();
    let both = rows.union(&silent).unwrap().key_by(&["k"]).unwrap();
    both.process("fail", schema(), move |_| Ok(Fail { panics })).unwrap();
    environment.execute("failing", &JobOptions { parallelism: 3, ..JobOptions::default() }).unwrap()
}

#[test]
fn an_error_ends_the_job_by_name() {
    let error = Runtime::new().unwrap().block_on(job(false).wait()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("fail (") && text.contains("of 3)") && text.contains("no such row"), "{text}");
}

#[test]
fn so_does_a_panic() {
    let error = Runtime::new().unwrap().block_on(job(true).wait()).unwrap_err();
    assert!(error.to_string().contains("a panic: a row too much"), "{error}");
}

#[test]
fn an_operator_that_cannot_be_made_ends_the_job() {
    let environment = StreamEnvironment::new();
    let silent = environment.source("silent", schema(), |_| Ok(Silent)).unwrap();
    let open = |subtask: &alluvium_runtime::Subtask| match subtask.index {
        0 => Ok(Fail { panics: false }),
        _ => Err(Error::invalid("no room")),
    };
    silent.process("made", schema(), open).unwrap();
    let job = environment.execute("unmade", &JobOptions { parallelism: 2, ..JobOptions::default() }).unwrap();
    let error = Runtime::new().unwrap().block_on(job.wait()).unwrap_err();
    assert!(error.to_string().contains("made (2 of 2)") && error.to_string().contains("no room"), "{error}");
}

#[test]
fn a_job_is_cancelled() {
    let environment = StreamEnvironment::new();
    environment.source("silent", schema(), |_| Ok(Silent)).unwrap();
    let job = environment.execute("endless", &JobOptions { parallelism: 2, ..JobOptions::default() }).unwrap();
    job.cancel();
    Runtime::new().unwrap().block_on(job.wait()).unwrap();
}

#[test]
fn a_stream_that_panics_or_fails_ends_the_job() {
    let runtime = Runtime::new().unwrap();
    let run = |stream: futures::stream::BoxStream<'static, Result<ChangeBatch>>| {
        let environment = StreamEnvironment::new();
        environment.from_stream("stream", schema(), runtime.handle(), stream).unwrap();
        let job = environment.execute("streams", &JobOptions { parallelism: 2, ..JobOptions::default() }).unwrap();
        runtime.block_on(job.wait()).unwrap_err().to_string()
    };
    let panics = futures::stream::once(async { panic!("no stream") });
    assert!(run(Box::pin(panics)).contains("stream (1 of 2)"));
    let fails = futures::stream::once(async { Err(Error::invalid("no line")) });
    assert!(run(Box::pin(fails)).contains("no line"));
}

#[test]
fn names_are_unique() {
    let environment = StreamEnvironment::new();
    environment.source("one", schema(), |_| Ok(Silent)).unwrap();
    let error = environment.source("one", schema(), |_| Ok(Silent)).unwrap_err();
    assert!(error.to_string().contains("\"one\""), "{error}");
}

#[test]
fn a_parallelism_that_cannot_be_is_refused() {
    let environment = StreamEnvironment::new();
    for parallelism in [0, 129] {
        let options = JobOptions { parallelism, ..JobOptions::default() };
        let error = environment.execute("none", &options).unwrap_err();
        assert!(error.to_string().contains("1 to 128"), "{error}");
    }
}
