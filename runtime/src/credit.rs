//! How much may be on its way over an edge.
//!
//! Goes in: bytes that are sent, and bytes that were dealt with on the other side. Comes out: whether there is room for more. Timely's
//! channels have no bound; this is theirs. Each sender has so much for each receiver, and waits once one of them has no more; a single batch
//! may go beyond. Nothing else runs against the stream, so nothing waits in a circle.

use std::rc::Rc;

use timely::Bincode;
use timely::communication::{Pull, Push};
use timely::worker::Worker;

/// A receiver, and what it dealt with.
type Return = Bincode<(u64, u64)>;

/// What a sender may still send.
pub(crate) struct OutgoingCredit {
    limit: usize,
    on_the_way: Vec<usize>,
    returns: Box<dyn Pull<Return>>,
}

impl OutgoingCredit {
    /// So many bytes are sent to a receiver.
    pub(crate) fn sent(&mut self, receiver: usize, bytes: usize) {
        if let Some(on_the_way) = self.on_the_way.get_mut(receiver) {
            *on_the_way += bytes;
        }
    }

    /// Whether every receiver has room.
    pub(crate) fn has_room(&mut self) -> bool {
        if self.is_below_limit() {
            return true;
        }
        while let Some(Bincode { payload: (receiver, bytes) }) = self.returns.recv() {
            let place = usize::try_from(receiver).unwrap_or(usize::MAX);
            if let Some(on_the_way) = self.on_the_way.get_mut(place) {
                *on_the_way = on_the_way.saturating_sub(usize::try_from(bytes).unwrap_or(usize::MAX));
            }
        }
        self.is_below_limit()
    }

    fn is_below_limit(&self) -> bool {
        self.on_the_way.iter().all(|bytes| *bytes < self.limit)
    }
}

/// What a receiver gives back to the senders of an edge.
pub(crate) struct IncomingCredit {
    receiver: u64,
    owed: Vec<usize>,
    /// So much is given back at once.
    quantum: usize,
    senders: Vec<Box<dyn Push<Return>>>,
}

impl IncomingCredit {
    /// So many bytes of a sender are dealt with.
    pub(crate) fn dealt_with(&mut self, sender: usize, bytes: usize) {
        if let Some(owed) = self.owed.get_mut(sender) {
            *owed += bytes;
            if *owed >= self.quantum {
                self.give_back(sender);
            }
        }
    }

    /// Gives all back that is owed: the receiver waits now.
    pub(crate) fn give_all_back(&mut self) {
        (0..self.owed.len()).for_each(|sender| self.give_back(sender));
    }

    fn give_back(&mut self, sender: usize) {
        let (Some(owed), Some(to)) = (self.owed.get_mut(sender), self.senders.get_mut(sender)) else { return };
        let bytes = std::mem::take(owed);
        if bytes > 0 {
            to.send((self.receiver, bytes as u64).into());
            to.done();
        }
    }
}

/// The two ends of an edge's credit, on this worker; what comes back wakes the operator at `sender`.
pub(crate) fn credit(worker: &Worker, sender: Rc<[usize]>, limit: usize) -> (OutgoingCredit, IncomingCredit) {
    let (senders, returns) = worker.allocate::<Return>(worker.new_identifier(), sender);
    let peers = worker.peers();
    let outgoing = OutgoingCredit { limit, on_the_way: vec![0; peers], returns };
    let incoming =
        IncomingCredit { receiver: worker.index() as u64, owed: vec![0; peers], quantum: (limit / 4).max(1), senders };
    (outgoing, incoming)
}
