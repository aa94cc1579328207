//! The graph of a job as a dataflow of timely, on one worker.
//!
//! Goes in: a graph, the same on all workers. Comes out: its subtasks, tied together. Nothing else names timely's streams and capabilities.

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use alluvium_format::{Error, Result};
use timely::dataflow::Scope;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::frontier::MutableAntichain;
use timely::scheduling::{Activator, SyncActivator};
use timely::worker::Worker;

use crate::credit::credit;
use crate::element::Element;
use crate::graph::{JobGraph, Work};
use crate::incoming::{IncomingEdge, Loose};
use crate::operator::Subtask;
use crate::outgoing::{Epoch, OutgoingEdge};
use crate::packet::Packet;
use crate::partitioner::Partitioner;
use crate::source_task::SourceTask;
use crate::task::{InputEdge, Origin, Progress, Surroundings, Task};
use crate::termination::Termination;

/// Lays a job's dataflow out on a worker; `edge_bytes` may be on the way from a sender to a receiver.
pub(crate) fn lay_out(
    worker: &mut Worker,
    graph: &JobGraph,
    edge_bytes: usize,
    termination: &Termination,
) -> Result<()> {
    worker.dataflow::<Epoch, _, _>(|scope| {
        let loose = graph.edges.iter().map(|_| None).collect();
        let mut layout = Layout { scope, graph, edge_bytes, termination, loose };
        (0..graph.nodes.len()).try_for_each(|node| layout.lay(node))
    })
}

/// A dataflow that is being laid out, node by node.
struct Layout<'scope, 'job> {
    scope: Scope<'scope, Epoch>,
    graph: &'job JobGraph,
    edge_bytes: usize,
    termination: &'job Termination,
    /// The edges whose sender is there and whose receiver is not yet.
    loose: Vec<Option<Loose<'scope>>>,
}

/// The input edges of a node, and over how many channels they come.
struct Inputs {
    incoming: Vec<IncomingEdge>,
    edges: Vec<InputEdge>,
    channels: usize,
}

impl<'scope> Layout<'scope, '_> {
    fn lay(&mut self, node: usize) -> Result<()> {
        let Some(here) = self.graph.nodes.get(node) else { return Err(nowhere()) };
        let (index, parallelism) = (self.scope.index(), self.scope.peers());
        let subtask = Subtask { operator: here.name.clone(), index, parallelism };
        let mut builder = OperatorBuilder::new(here.name.clone(), self.scope);
        let address = builder.operator_info().address;
        let Inputs { incoming, edges, channels } = self.tie_inputs(&mut builder, node)?;
        let outgoing = self.begin_outputs(&mut builder, node, &address)?;

        let wake = Arc::new(WakeSubtask(self.scope.worker().sync_activator_for(address.to_vec())));
        let again = self.scope.activator_for(address);
        let (work, termination) = (here.work.clone(), self.termination.clone());
        builder.build_reschedule(move |capabilities| {
            let name = format!("{} ({} of {parallelism})", subtask.operator, subtask.index + 1);
            let running = termination.guard(&name, || {
                Ok(match &work {
                    Work::Source(open) => Running::Source(SourceTask::new(open(&subtask)?)),
                    Work::Operator(open) => Running::Operator(Task::new(open(&subtask)?, edges, channels)),
                })
            });
            // What a subtask waits for wakes it, but nothing has been asked yet.
            again.activate();
            let wiring = Wiring { outgoing, capabilities, incoming };
            let mut shell = Shell { name, running, wiring, waker: Waker::from(wake), again, termination };
            move |frontiers| shell.step(frontiers)
        });
        Ok(())
    }

    fn tie_inputs(&mut self, builder: &mut OperatorBuilder<'scope, Epoch>, node: usize) -> Result<Inputs> {
        let (index, parallelism) = (self.scope.index(), self.scope.peers());
        let mut inputs = Inputs { incoming: Vec::new(), edges: Vec::new(), channels: 0 };
        for (place, edge) in self.graph.edges_to(node) {
            let loose = self.loose.get_mut(place).and_then(Option::take).ok_or_else(nowhere)?;
            inputs.incoming.push(IncomingEdge::tie(builder, loose, &edge.partitioning, edge.schema.clone()));
            let senders = edge.partitioning.others(index, parallelism);
            let (first_channel, first_sender) = (inputs.channels, senders.start);
            inputs.edges.push(InputEdge { input: edge.input, first_channel, first_sender });
            inputs.channels += senders.len();
        }
        Ok(inputs)
    }

    fn begin_outputs(
        &mut self,
        builder: &mut OperatorBuilder<'scope, Epoch>,
        node: usize,
        address: &Rc<[usize]>,
    ) -> Result<Vec<OutgoingEdge>> {
        let (subtask, parallelism) = (self.scope.index(), self.scope.peers());
        let mut outgoing = Vec::new();
        for (place, edge) in self.graph.edges_from(node) {
            let (port, stream) = builder.new_output::<Packet>();
            let (credit, returned) = credit(self.scope.worker(), Rc::clone(address), self.edge_bytes);
            let loose = self.loose.get_mut(place).ok_or_else(nowhere)?;
            *loose = Some(Loose { stream, credit: returned });
            let partitioner = Partitioner::new(edge.partitioning.clone(), &edge.schema, subtask, parallelism)?;
            let port = OutputBuilder::from(port);
            outgoing.push(OutgoingEdge { output: edge.output, partitioner, credit, port, subtask, parallelism });
        }
        Ok(outgoing)
    }
}

fn nowhere() -> Error {
    Error::internal("a job's graph has an edge to nowhere")
}

struct WakeSubtask(SyncActivator);

impl Wake for WakeSubtask {
    fn wake(self: Arc<Self>) {
        // An error: the worker has gone.
        let _ = self.0.activate();
    }
}

enum Running {
    Source(SourceTask),
    Operator(Task),
}

struct Wiring {
    outgoing: Vec<OutgoingEdge>,
    /// One for each outgoing edge.
    capabilities: Vec<Capability<Epoch>>,
    incoming: Vec<IncomingEdge>,
}

impl Surroundings for Wiring {
    fn has_room(&mut self) -> bool {
        self.outgoing.iter_mut().all(|edge| edge.credit.has_room())
    }

    fn send(&mut self, output: Option<usize>, element: Element) -> Result<()> {
        for (edge, capability) in self.outgoing.iter_mut().zip(&self.capabilities) {
            if output.is_none_or(|output| output == edge.output) {
                edge.send(capability, element.clone())?;
            }
        }
        Ok(())
    }

    fn dealt_with(&mut self, origin: Origin, bytes: usize) {
        if let Some(edge) = self.incoming.get_mut(origin.edge) {
            edge.credit.dealt_with(origin.sender, bytes);
        }
    }
}

/// A subtask as timely schedules it.
struct Shell {
    name: String,
    /// `None` once it has ended.
    running: Option<Running>,
    wiring: Wiring,
    waker: Waker,
    again: Activator,
    termination: Termination,
}

impl Shell {
    /// Does what can be done; whether there is more to come.
    fn step(&mut self, frontiers: &[MutableAntichain<Epoch>]) -> bool {
        let Some(running) = self.running.as_mut().filter(|_| !self.termination.is_over()) else {
            self.end();
            return false;
        };
        let closed = frontiers.iter().all(|frontier| frontier.frontier().is_empty());
        let (wiring, mut context) = (&mut self.wiring, Context::from_waker(&self.waker));
        let progress = self.termination.guard(&self.name, || match running {
            Running::Source(source) => source.work(&mut context, wiring),
            Running::Operator(task) => {
                for (place, edge) in wiring.incoming.iter_mut().enumerate() {
                    edge.drain(place, &mut |origin, element, bytes| task.accept(origin, element, bytes))?;
                }
                task.work(&mut context, wiring, closed)
            }
        });
        match progress {
            Some(Progress::Waiting) => self.wiring.incoming.iter_mut().for_each(|edge| edge.credit.give_all_back()),
            Some(Progress::Busy) => self.again.activate(),
            Some(Progress::Done) | None => {
                self.end();
                return false;
            }
        }
        true
    }

    /// Lets go of everything: what hears from it sees its end.
    fn end(&mut self) {
        self.running = None;
        self.wiring.capabilities.clear();
        for (place, edge) in self.wiring.incoming.iter_mut().enumerate() {
            // What came too late belongs to a job that is over.
            let _ = edge.drain(place, &mut |_, _, _| {});
        }
    }
}
