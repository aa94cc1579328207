//! The sending side of an edge.
//!
//! Goes in: elements of one subtask. Comes out: packets to the subtasks that get them. Watermarks go to all that may get something, behind
//! what was sent before.

use alluvium_format::Result;
use timely::container::NoopBuilder;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;

use crate::credit::OutgoingCredit;
use crate::element::Element;
use crate::packet::Packet;
use crate::partitioner::Partitioner;
use crate::weight::weight;

/// The time of timely: a checkpoint.
pub(crate) type Epoch = u64;

/// An edge as one subtask sends over it.
pub(crate) struct OutgoingEdge {
    /// The operator's output that it begins at.
    pub(crate) output: usize,
    pub(crate) partitioner: Partitioner,
    pub(crate) credit: OutgoingCredit,
    pub(crate) port: OutputBuilder<Epoch, NoopBuilder<Packet>>,
    /// Where it is: the subtask, and how many there are.
    pub(crate) subtask: usize,
    pub(crate) parallelism: usize,
}

impl OutgoingEdge {
    /// Sends an element.
    pub(crate) fn send(&mut self, capability: &Capability<Epoch>, element: Element) -> Result<()> {
        let Self { partitioner, credit, port, subtask, parallelism, .. } = self;
        let mut session = port.activate();
        let mut give = |receiver: usize, element: Element| {
            let mut packet = Packet::new(*subtask, receiver, element);
            session.session_with_builder(capability).give_container(&mut packet);
        };
        match element {
            Element::Changes(changes) => partitioner.deal(changes, &mut |receiver, changes| {
                credit.sent(receiver, weight(&changes));
                give(receiver, Element::Changes(changes));
            }),
            signal => {
                let receivers = partitioner.partitioning().others(*subtask, *parallelism);
                receivers.for_each(|receiver| give(receiver, signal.clone()));
                Ok(())
            }
        }
    }
}
