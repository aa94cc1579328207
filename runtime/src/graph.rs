//! The graph of a job: its operators and the edges between them.
//!
//! Goes in: nodes, each behind those that it hears from. Comes out: the same graph on every worker. Names are unique: what an operator keeps
//! is found by its name.

use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result};
use arrow_schema::SchemaRef;

use crate::operator::{Operator, Subtask};
use crate::partitioner::Partitioning;
use crate::source::SourceReader;

/// Makes the reader of a subtask, on its thread.
pub(crate) type OpenSource = Arc<dyn Fn(&Subtask) -> Result<Box<dyn SourceReader>> + Send + Sync>;
/// Makes the operator of a subtask, on its thread.
pub(crate) type OpenOperator = Arc<dyn Fn(&Subtask) -> Result<Box<dyn Operator>> + Send + Sync>;

/// What a node does.
#[derive(Clone)]
pub(crate) enum Work {
    /// It brings elements.
    Source(OpenSource),
    /// It takes elements.
    Operator(OpenOperator),
}

/// A source or an operator.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) work: Work,
}

/// Where elements go from one node to another.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    /// The sender's output.
    pub(crate) output: usize,
    pub(crate) to: usize,
    /// The receiver's input.
    pub(crate) input: usize,
    pub(crate) partitioning: Partitioning,
    pub(crate) schema: SchemaRef,
}

/// Nodes and edges; an edge leads from a node to a later one.
#[derive(Clone, Default)]
pub(crate) struct JobGraph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

impl JobGraph {
    /// Adds a node; its place.
    pub(crate) fn add(&mut self, name: &str, work: Work) -> Result<usize> {
        if name.is_empty() || self.nodes.iter().any(|node| node.name == name) {
            let what =
                format!("an operator is named {name:?}: give each its own name, which stays when the job changes");
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        self.nodes.push(Node { name: name.to_owned(), work });
        Ok(self.nodes.len() - 1)
    }

    /// The edges to a node, in order, with their places.
    pub(crate) fn edges_to(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node)
    }

    /// The edges from a node, in order, with their places.
    pub(crate) fn edges_from(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.from == node)
    }
}
