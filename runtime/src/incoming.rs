//! The receiving side of an edge.
//!
//! Goes in: packets of all senders. Comes out: elements with their origin, in the order of each sender. What comes is taken at once:
//! nothing waits in the channels, where elements of all senders share one queue.

use alluvium_format::Result;
use arrow_schema::SchemaRef;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::{DistributorPact, ParallelizationContract, Pipeline};
use timely::dataflow::operators::generic::InputHandleCore;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::credit::IncomingCredit;
use crate::element::Element;
use crate::outgoing::Epoch;
use crate::packet::{ByReceiver, Packet};
use crate::partitioner::Partitioning;
use crate::task::Origin;
use crate::weight::weight;

type Exchange = DistributorPact<fn(usize) -> ByReceiver>;
type Handle<P> = InputHandleCore<Epoch, Packet, <P as ParallelizationContract<Epoch, Packet>>::Puller>;

enum Port {
    /// From the same worker.
    Here(Box<Handle<Pipeline>>),
    /// From all workers.
    Anywhere(Box<Handle<Exchange>>),
}

/// An edge as one subtask hears over it.
pub(crate) struct IncomingEdge {
    port: Port,
    schema: SchemaRef,
    /// What is given back to its senders.
    pub(crate) credit: IncomingCredit,
}

/// What an edge is before its receiver is there.
pub(crate) struct Loose<'scope> {
    pub(crate) stream: Stream<'scope, Epoch, Packet>,
    pub(crate) credit: IncomingCredit,
}

impl IncomingEdge {
    /// Ties an edge to its receiver.
    pub(crate) fn tie<'scope>(
        builder: &mut OperatorBuilder<'scope, Epoch>,
        loose: Loose<'scope>,
        partitioning: &Partitioning,
        schema: SchemaRef,
    ) -> Self {
        let port = if *partitioning == Partitioning::Forward {
            Port::Here(Box::new(builder.new_input(loose.stream, Pipeline)))
        } else {
            let exchange = DistributorPact((|_| ByReceiver) as fn(usize) -> ByReceiver);
            Port::Anywhere(Box::new(builder.new_input(loose.stream, exchange)))
        };
        Self { port, schema, credit: loose.credit }
    }

    /// Hands on all that has come over this edge, which is `edge` of its receiver's, with its weight.
    pub(crate) fn drain(&mut self, edge: usize, to: &mut dyn FnMut(Origin, Element, usize)) -> Result<()> {
        let mut result = Ok(());
        let schema = &self.schema;
        let mut take = |packet: &mut Packet| {
            let packet = std::mem::take(packet);
            let origin = Origin { edge, sender: packet.sender };
            match packet.into_element(schema) {
                Ok(Element::Changes(changes)) => {
                    let bytes = weight(&changes);
                    to(origin, Element::Changes(changes), bytes);
                }
                Ok(signal) => to(origin, signal, 0),
                Err(error) => result = Err(error),
            }
        };
        // Not by stamp, which would sort: the order of a sender stays.
        match &mut self.port {
            Port::Here(handle) => handle.for_each(|_, packet| take(packet)),
            Port::Anywhere(handle) => handle.for_each(|_, packet| take(packet)),
        }
        result
    }
}
